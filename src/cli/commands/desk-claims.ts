// Claims, notes and snoozes: what people who work on the desk tell each other.
import { type ActorWords, actorOf, actorWithReason } from '../actor.ts'
import { type Call, takeWords, withApp } from '../call.ts'
import { each, messageAtDesk, readId } from '../each.ts'
import { UsageError } from '../output.ts'
import { time } from './desk-show.ts'

const ofOne: ReadonlySet<string> = new Set(['millrace/unknown-item', 'millrace/not-held', 'millrace/claimed'])
const groupAtDesk = 'a group of the desk'
const minutes30 = 30 * 60_000

export interface ClaimWords extends ActorWords {
  readonly for?: number | undefined
  readonly takeOver?: boolean | undefined
}

/** Claims messages, so that others see who works on them. */
export async function deskClaim(
  call: Call,
  { for: forMs = minutes30, takeOver, ...words }: ClaimWords,
): Promise<number> {
  const actor = actorOf(words)
  return each(call, messageAtDesk, ofOne, async ({ desk }, id) => {
    await desk.claim(id, { ...actor, forMs, takeOver })
    const until = (await desk.show(id))?.claim?.until
    const to = until === undefined ? '' : ` until ${time(until)}`
    return { text: `message ${id} is claimed by ${actor.by}${to}`, object: { claimed: true, by: actor.by } }
  })
}

/** Ends claims of one's own. */
export async function deskUnclaim(call: Call, words: ActorWords): Promise<number> {
  const actor = actorOf(words)
  return each(call, messageAtDesk, ofOne, async ({ desk }, id) => {
    await desk.unclaim(id, actor)
    return { text: `message ${id} is claimed by nobody`, object: { claimed: false } }
  })
}

export interface NoteWords extends ActorWords {
  readonly group?: number | undefined
}

/** Leaves a note on a message or a group. */
export async function deskNote(call: Call, { group, ...words }: NoteWords): Promise<number> {
  const { by } = actorOf(words)
  const names = group === undefined ? ['ID', 'TEXT'] : ['TEXT']
  const given = takeWords(call, names, names.length)
  const text = given.at(-1)!
  const about = group === undefined ? readId(given[0]!, messageAtDesk) : { group }
  return withApp(call, async ({ desk }) => {
    await desk.note(about, text, { by })
    const what = group === undefined ? `message ${given[0]}` : `group ${group}`
    if (call.out.json) await call.out.object({ ...(typeof about === 'number' ? { id: about } : about), noted: true })
    else await call.out.line(`the note on ${what} is on record`)
    return 0
  })
}

export interface SnoozeWords extends ActorWords {
  readonly for?: number | undefined
  readonly until?: string | undefined
  readonly orCount?: number | undefined
}

/** Makes a group quiet for a while. */
export async function deskSnooze(call: Call, { for: forMs, until, orCount, ...words }: SnoozeWords): Promise<number> {
  const actor = actorWithReason('snooze', words)
  const [text] = takeWords(call, ['GROUP'], 1)
  const group = readId(text!, groupAtDesk)
  if ((forMs === undefined) === (until === undefined)) throw new UsageError('give one of --for SPAN and --until TIME')
  const end = until === undefined ? Date.now() + forMs! : timeIn(until)
  return withApp(call, async ({ desk }) => {
    await desk.snooze(group, { ...actor, until: end, orCount })
    const snooze = (await desk.groups()).find(({ id }) => id === group)?.snooze
    if (call.out.json) await call.out.object({ group, snoozed: true, until: time(end), orCount: snooze?.orCount })
    else {
      const or = snooze === undefined || snooze === null ? '' : ` or ${snooze.orCount} held`
      await call.out.line(`group ${group} is quiet until ${time(end)}${or}; its messages stay held`)
    }
    return 0
  })
}

/** Ends a snooze. */
export async function deskWake(call: Call, words: ActorWords): Promise<number> {
  const actor = actorOf(words)
  const [text] = takeWords(call, ['GROUP'], 1)
  const group = readId(text!, groupAtDesk)
  return withApp(call, async ({ desk }) => {
    await desk.wake(group, actor)
    if (call.out.json) await call.out.object({ group, snoozed: false })
    else await call.out.line(`group ${group} is not quiet`)
    return 0
  })
}

function timeIn(text: string): number {
  const ms = Date.parse(text)
  if (Number.isFinite(ms)) return ms
  throw new UsageError(`--until is "${text}", but must be a time such as 2026-12-01T08:00:00Z`)
}
