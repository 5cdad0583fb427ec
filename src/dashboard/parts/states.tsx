// The states of a view, each a component: loading, empty, partial, error, stale, full, forbidden, gone.
import type { ReadonlySignal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { Permission } from '../../model/permissions.ts'
import type { Problem } from '../client.ts'
import type { Loaded } from '../data.ts'
import { changed, now, reached } from '../live.ts'
import { rolesWith, visible } from '../pure/words.ts'
import { href } from '../router.ts'
import { session } from '../session.ts'
import { Icon } from './icon.tsx'
import { clock } from './when.tsx'

/** Lines where text will be; only after a moment, so that what comes at once does not flicker. */
export function Loading({ what }: { readonly what: string }) {
  const [late, setLate] = useState(false)
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), 150)
    return () => clearTimeout(timer)
  }, [])
  return (
    <div class={late ? 'skeleton' : 'skeleton hidden'} role="status">
      <span class="quietly">Loading {what}</span>
      <i />
      <i />
      <i />
    </div>
  )
}

/** Nothing is there: good news, or a filter that nothing fits. */
export function Empty({
  good = false,
  children,
}: {
  readonly good?: boolean | undefined
  readonly children: ComponentChildren
}) {
  return (
    <div class={`state ${good ? 'good' : ''}`}>
      {good && <Icon name="ok" />}
      <div>{children}</div>
    </div>
  )
}

export function Partial({ to, children }: { readonly to: string; readonly children: ComponentChildren }) {
  return (
    <p class="more">
      {children} <a href={href(to)}>Look further</a>
    </p>
  )
}

/** More than a page should show. */
export function Full({ shown }: { readonly shown: number }) {
  return (
    <p class="more">
      {shown.toLocaleString('en')} are shown, and there are more. Narrow it by a filter, or list all by the command.
    </p>
  )
}

interface FailedProps {
  readonly problem: Problem
  /** What cannot be shown, as the beginning of a sentence. */
  readonly what: string
  /** Looks again. */
  readonly again?: (() => void) | undefined
}

export function Failed({ problem, what, again = () => changed() }: FailedProps) {
  if (problem.status === 403) return <Forbidden what={what} problem={problem} />
  if (problem.status === 404) return <Gone what={what} />
  return (
    <div class="state failing" role="alert">
      <Icon name="failing" />
      <div>
        <p>
          <strong>{problem.away ? 'The server cannot be reached.' : `${what} cannot be shown.`}</strong>{' '}
          {!problem.away && visible(problem.message)}
        </p>
        <p>
          {visible(problem.help)} {problem.passing && 'The page tries again by itself.'} Nothing else is affected.
        </p>
        <button type="button" onClick={again}>
          Try again
        </button>
      </div>
    </div>
  )
}

const inSentence = (what: string) => what.charAt(0).toLowerCase() + what.slice(1)

export function Forbidden({ what, problem }: Pick<FailedProps, 'what' | 'problem'>) {
  const who = session.value.is === 'in' ? session.value.me : undefined
  const { permission, place } = problem.data as { readonly permission?: Permission; readonly place?: readonly string[] }
  const where = place === undefined || place.length === 0 ? '' : ` for ${place.join(' and ')}`
  return (
    <div class="state">
      <Icon name="lock" />
      <div>
        <p>
          <strong>You may not see {inSentence(what)}.</strong>{' '}
          {permission === undefined
            ? visible(problem.message)
            : `It needs the role ${rolesWith[permission]}${visible(where)}.`}
        </p>
        <p>
          You are {visible(who?.name ?? '')}, with the role {who?.roles.join(', ')}. Send this address to somebody who
          may: they see the same page.
        </p>
      </div>
    </div>
  )
}

export function Gone({ what = 'This' }: { readonly what?: string | undefined }) {
  return (
    <div class="state">
      <Icon name="gone" />
      <div>
        <p>
          <strong>{what} is not there.</strong> Its address is wrong, or it was removed: what has ended is kept for a
          time only.
        </p>
        <p>
          The <a href={href('/system/audit')}>audit log</a> keeps what people did. Go to the{' '}
          <a href={href('/desk')}>desk</a>.
        </p>
      </div>
    </div>
  )
}

/** Above all, while the server is not reached: what is seen is old. */
export function Stale() {
  const { is, at } = reached.value
  if (is) return null
  return (
    <p class="stale" role="status">
      <Icon name="failing" /> The server is not reached. You see how it was at {clock(at)}. Reconnecting…
    </p>
  )
}

interface LookProps<Value> {
  readonly of: ReadonlySignal<Loaded<Value>>
  /** What is read, as the beginning of a sentence. */
  readonly what: string
}

/** True where the value is to be seen, though the last look may have failed. */
const isSeen = ({ value, problem }: Loaded<unknown>) =>
  value !== undefined && (problem === undefined || problem.passing)

/** What is wrong with a look: it has failed, or the last one has, so that what is seen is older. Else nothing. */
export function Trouble({ of, what }: LookProps<unknown>) {
  const { at, problem, again } = of.value
  if (problem === undefined) return null
  if (!isSeen(of.value)) return <Failed problem={problem} what={what} again={again} />
  // While the server is away, the frame says so once.
  if (problem.away) return null
  return (
    <p class="state failing" role="alert">
      <Icon name="failing" />
      <span>
        <strong>{what} cannot be read again.</strong> {visible(problem.message)} You see how it was at {clock(at)}. The
        page tries again by itself.
      </span>
    </p>
  )
}

/** What was read, or the state that it is in. What is there stays in sight when the next look fails. */
export function Shown<Value>({
  of,
  what,
  children,
}: LookProps<Value> & { readonly children: (value: Value) => ComponentChildren }) {
  now.value
  const { value, problem } = of.value
  if (isSeen(of.value))
    return (
      <>
        <Trouble of={of} what={what} />
        {children(value as Value)}
      </>
    )
  return problem === undefined ? <Loading what={inSentence(what)} /> : <Trouble of={of} what={what} />
}
