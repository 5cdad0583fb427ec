// The states of a view, each a component: loading, empty, partial, error, stale, full, forbidden, gone.
import type { ReadonlySignal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { Problem } from '../client.ts'
import type { Loaded } from '../data.ts'
import { changed, now, reached } from '../live.ts'
import { visible } from '../pure/words.ts'
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
  return <p class="more">{shown.toLocaleString('en')} are shown, and there are more. Narrow it by a filter.</p>
}

export function Failed({ problem, what }: { readonly problem: Problem; readonly what: string }) {
  if (problem.status === 403) return <Forbidden what={what} problem={problem} />
  if (problem.status === 404) return <Gone />
  return (
    <div class="state failing" role="alert">
      <Icon name="failing" />
      <div>
        <p>
          <strong>{problem.away ? 'The server cannot be reached.' : `${what} cannot be shown.`}</strong>{' '}
          {!problem.away && visible(problem.message)}
        </p>
        <p>{problem.away ? 'The page tries again by itself.' : problem.help} Nothing else is affected.</p>
        <button type="button" onClick={() => changed()}>
          Try again
        </button>
      </div>
    </div>
  )
}

function Forbidden({ what, problem }: { readonly what: string; readonly problem: Problem }) {
  const who = session.value.is === 'in' ? session.value.me : undefined
  return (
    <div class="state">
      <Icon name="lock" />
      <div>
        <p>
          <strong>{what} is not for you to see.</strong> {visible(problem.message)}
        </p>
        <p>
          You are {visible(who?.name ?? '')} ({who?.roles.join(', ')}). Send this address to somebody who may: they see
          the same page.
        </p>
      </div>
    </div>
  )
}

export function Gone() {
  return (
    <div class="state">
      <Icon name="gone" />
      <div>
        <p>
          <strong>This is no longer there.</strong> What was handled leaves the desk; what was discarded stays for 30
          days.
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

/** What was read, or the state that it is in. What is there stays in sight when the next look fails. */
export function Shown<Value>({
  of,
  what,
  children,
}: {
  readonly of: ReadonlySignal<Loaded<Value>>
  readonly what: string
  readonly children: (value: Value) => ComponentChildren
}) {
  now.value
  const { value, problem } = of.value
  if (value !== undefined && (problem === undefined || problem.away || problem.status >= 500))
    return <>{children(value)}</>
  if (problem !== undefined) return <Failed problem={problem} what={what} />
  return <Loading what={what.toLowerCase()} />
}
