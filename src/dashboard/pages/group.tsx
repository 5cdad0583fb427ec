// One group of held messages that look alike: what to do about all of them, and the messages.

import { type Signal, useSignal } from '@preact/signals'
import { commandLine } from '../../model/command-line.ts'
import type { DeskGroup } from '../../model/desk-views.ts'
import { act } from '../client.ts'
import { useRead } from '../data.ts'
import { Act, type Doing } from '../parts/act.tsx'
import { HelpText } from '../parts/help.tsx'
import { Icon } from '../parts/icon.tsx'
import { nameOf, select } from '../parts/many.ts'
import { type Pace, PaceFields, paceOf, usePace } from '../parts/pace.tsx'
import { Empty, Trouble } from '../parts/states.tsx'
import { Ago, clock } from '../parts/when.tsx'
import { groupText, groupTitle } from '../pure/cards.ts'
import { codeChanged, count, quoted, visible } from '../pure/words.ts'
import { href } from '../router.ts'
import { may } from '../session.ts'
import { Messages } from './messages.tsx'

/** More discards than these are typed as a number. */
const manyDiscards = 100

export function Group({ id }: { readonly id: number }) {
  const groups = useRead({ path: '/api/desk/groups', query: { limit: 10_000 } })
  const group = groups.value.value?.find((one) => one.id === id)
  return (
    <>
      <header class="head">
        <div>
          <p class="crumbs">
            <a href={href('/desk')}>Desk</a> / group {id}
          </p>
          <h1>{group === undefined ? `Group ${id}` : visible(groupText(group.error))}</h1>
          {group !== undefined && (
            <p>
              <Icon name="held" /> {visible(groupTitle(group))}
              <span class="muted">
                , the first <Ago at={group.firstAt} />, the last <Ago at={group.lastAt} />
              </span>
            </p>
          )}
        </div>
        {group !== undefined && may('repair-many') && <Buttons id={id} group={group} />}
      </header>
      <Trouble of={groups} what="The group" />
      {group !== undefined && hasMore(group) && (
        <div class="state">
          <div>
            <HelpText help={group.help} owner={group.owner} />
            {group.snooze !== null && (
              <p>
                Kept quiet by {visible(group.snooze.by)} until {clock(group.snooze.until)}:{' '}
                {visible(group.snooze.reason)}
              </p>
            )}
            {group.note !== null && (
              <p>
                {visible(group.note.by)}: {visible(group.note.text)}
              </p>
            )}
          </div>
        </div>
      )}
      {groups.value.problem?.status !== 403 && (
        <Messages filter={{ group: id, states: ['held'] }}>
          <Empty good>
            <p>
              <strong>Nothing of this group is held.</strong> What was released is being tried or was handled.
            </p>
            <a href={href('/desk')}>To the desk</a>
          </Empty>
        </Messages>
      )}
    </>
  )
}

const hasMore = ({ help, owner, snooze, note }: DeskGroup) => [help, owner, snooze, note].some((one) => one !== null)

function Buttons({ id, group }: { readonly id: number; readonly group: DeskGroup }) {
  const doing = useSignal<Doing | undefined>(undefined)
  const pace = usePace()
  const oneFirst = useSignal(true)
  const first = useRead({ path: '/api/desk', query: { group: id, states: ['held'], limit: 1 } }).value.value?.items[0]
  const until = useSignal('4')
  const onlyThen = useSignal(false)
  const code = first === undefined ? undefined : codeChanged(first)
  const failedIn = code === undefined ? undefined : first!.codeThen!
  const show = (made: Doing) => () => (doing.value = made)
  return (
    <div class="buttons">
      <button
        type="button"
        class="main"
        onClick={show(releasingAll(group, id, { oneFirst, pace, onlyThen, failedIn }))}
      >
        Release all…
      </button>
      {first !== undefined && group.held > 1 && (
        <a class="button" href={href(`/desk/${first.id}/correct?group=${id}`)}>
          Correct all…
        </a>
      )}
      <button type="button" onClick={show(noting(id))}>
        Note
      </button>
      {group.snooze === null ? (
        <button type="button" onClick={show(quieting(id, group, until))}>
          Quiet until…
        </button>
      ) : (
        <button type="button" onClick={() => void act('/api/desk/groups/{group}/wake', { group: id }, {})}>
          End the quiet
        </button>
      )}
      <button type="button" class="danger" onClick={show(discardingAll(id, group))}>
        Discard all…
      </button>
      {code !== undefined && <p class="muted">{visible(code)}</p>}
      {doing.value !== undefined && <Act doing={doing.value} close={() => (doing.value = undefined)} />}
    </div>
  )
}

interface Releasing {
  readonly oneFirst: Signal<boolean>
  readonly pace: Pace
  /** Whether only those are meant that failed in the version below. */
  readonly onlyThen: Signal<boolean>
  /** The version in which the first of the group failed, where the code has changed since. */
  readonly failedIn: string | undefined
}

function releasingAll(group: DeskGroup, id: number, { oneFirst, pace, onlyThen, failedIn }: Releasing): Doing {
  const name = nameOf('release', group.processor)
  const chosen = () => (failedIn !== undefined && onlyThen.value ? { failedIn } : {})
  return {
    title: `Release ${count(group.held, 'message')}?`,
    will: `${group.processor} tries each again as it is, and what waits behind each follows in order. The messages are chosen now: later ones are not part of it.`,
    wont: 'What fails again comes back to the desk, and nothing overtakes it.',
    command: () => {
      const only = chosen().failedIn === undefined ? '' : ` --failed-in ${quoted(failedIn!)}`
      const first = oneFirst.value ? ' --one-first' : ''
      const { perSecond, stopAfter } = paceOf(pace)
      const rate = perSecond === undefined ? '' : ` --per-second ${perSecond}`
      const stops = stopAfter === undefined ? '' : ` --stop-after ${stopAfter}`
      return commandLine(`desk release app.ts --all --group ${id}${only} --name ${quoted(name)}${first}${rate}${stops}`)
    },
    verb: 'Release all',
    reason: 'may',
    fields: (
      <>
        <label>
          <input
            type="checkbox"
            checked={oneFirst.value}
            onChange={(event) => (oneFirst.value = event.currentTarget.checked)}
          />
          One first; the others only when it was handled
        </label>
        {failedIn !== undefined && (
          <label>
            <input
              type="checkbox"
              checked={onlyThen.value}
              onChange={(event) => (onlyThen.value = event.currentTarget.checked)}
            />
            Only those that failed in {visible(failedIn)}
          </label>
        )}
        <PaceFields pace={pace} />
      </>
    ),
    send: (reason) =>
      select({
        action: 'release',
        what: { group: id, ...chosen() },
        name,
        reason,
        oneFirst: oneFirst.value,
        ...paceOf(pace),
      }),
  }
}

function discardingAll(id: number, group: DeskGroup): Doing {
  const name = nameOf('discard', group.processor)
  return {
    title: `Discard ${count(group.held, 'message')}?`,
    will: `They are given up, on record: ${group.processor} never handles them. What waits behind each goes on.`,
    undo: 'Each can be taken back for 7 days.',
    command: commandLine(`desk discard app.ts --all --group ${id} --name ${quoted(name)}`),
    verb: 'Discard all',
    danger: true,
    reason: 'must',
    type: group.held > manyDiscards ? group.held : undefined,
    send: (reason) => select({ action: 'discard', what: { group: id }, name, reason }),
  }
}

function noting(group: number): Doing {
  return {
    title: 'Write a note',
    will: 'Everybody who sees this group sees the note. It changes nothing.',
    command: commandLine(`desk note app.ts --group ${group}`),
    verb: 'Write',
    reason: 'must',
    reasonWord: 'Note',
    send: (text) => act('/api/desk/groups/{group}/notes', { group }, { text }),
  }
}

function quieting(id: number, { held }: DeskGroup, hours: Signal<string>): Doing {
  const choices = [
    ['1', '1 hour'],
    ['4', '4 hours'],
    ['24', '1 day'],
    ['168', '1 week'],
  ] as const
  return {
    title: 'Keep this group quiet?',
    will: 'No alerts for it, and it is not on the home page. It ends early when twice as many are held.',
    wont: 'Its messages stay held and stay here, and their lines stay closed.',
    command: () => commandLine(`desk snooze app.ts ${id} --for ${hours.value}h --or-count ${held * 2}`),
    verb: 'Keep quiet',
    reason: 'must',
    fields: (
      <>
        <label for="until">For</label>
        <select id="until" value={hours.value} onChange={(event) => (hours.value = event.currentTarget.value)}>
          {choices.map(([value, word]) => (
            <option key={value} value={value}>
              {word}
            </option>
          ))}
        </select>
      </>
    ),
    send: (reason) =>
      act(
        '/api/desk/groups/{group}/snooze',
        { group: id },
        { reason, until: Date.now() + Number(hours.value) * 3_600_000, orCount: held * 2 },
      ),
  }
}
