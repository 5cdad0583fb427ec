// Operations on many held messages: a frozen selection, a name, progress, an end.
import { setTimeout as pause } from 'node:timers/promises'
import { aborted, type Interrupted, interruptible } from '../../control/signals.ts'
import {
  type Actor,
  type ChangeList,
  type Desk,
  MillraceError,
  type Operation,
  type OperationOutcome,
  type RefusedItem,
} from '../../index.ts'
import { type ActorWords, actorOf } from '../actor.ts'
import { type Call, commandFor, takeWords, withApp } from '../call.ts'
import { readList } from '../json-file.ts'
import { type Output, UsageError } from '../output.ts'
import { count, facts, safe } from '../print.ts'

/** How an operation is to be carried out. */
interface PaceWords {
  readonly perSecond?: number | undefined
  readonly stopAfter?: number | undefined
  readonly wait?: boolean | undefined
}

export interface SelectWords extends ActorWords, PaceWords {
  readonly all?: boolean | undefined
  readonly name?: string | undefined
  readonly processor?: string | undefined
  readonly type?: string | undefined
  readonly context?: string | undefined
  readonly group?: number | undefined
  readonly oneFirst?: boolean | undefined
  /** The path of a file with a change list. */
  readonly change?: string | undefined
  readonly prepare?: boolean | undefined
  readonly failedIn?: string | undefined
}

/** Tells whether the words mean an operation; refuses options that fit only the other use. */
export function checkSelect({
  all = false,
  name,
  processor,
  type,
  context,
  group,
  oneFirst,
  change,
  prepare,
  perSecond,
  stopAfter,
  wait,
  failedIn,
}: SelectWords): boolean {
  if (all) {
    if (name === undefined || name.trim() === '')
      throw new UsageError('--all needs --name NAME, the name of the operation')
    return true
  }
  const options = {
    name,
    processor,
    type,
    context,
    group,
    'one-first': oneFirst,
    change,
    prepare,
    'per-second': perSecond,
    'stop-after': stopAfter,
    'no-wait': wait === false || undefined,
    'failed-in': failedIn,
  }
  const given = Object.entries(options).find(([, value]) => value !== undefined)
  if (given !== undefined) throw new UsageError(`--${given[0]} goes with --all only`)
  return false
}

/** Starts an operation and shows its progress until it ends. */
export async function select(
  call: Call,
  action: Operation['action'],
  { name, change: path, wait, processor, type, context, group, failedIn, ...words }: SelectWords,
  actor: Actor,
): Promise<number> {
  const { out } = call
  if (call.words.length > 0) throw new UsageError(`"${call.words[0]}" does not go with --all`)
  const change = path === undefined ? undefined : (readList('--change', path) as ChangeList)
  const what = JSON.parse(JSON.stringify({ processor, type, context, group, failedIn }))
  const { oneFirst, prepare, perSecond, stopAfter } = words
  const options = { name: name!, oneFirst, prepare, perSecond, stopAfter, change, ...actor }
  return begin(call, wait, async (desk, running) => {
    const begun = await desk.select(action, what, options)
    if (!out.json)
      out.line(
        `${titleOf(begun)}: ${begunText(begun)}${begun.state === 'prepared' ? untilText(begun) : running ? '' : ', when the app starts'}`,
      )
    return begun
  })
}

/** Runs an operation that is prepared or has stopped, and shows its progress until it ends. */
export async function deskRun(call: Call, { perSecond, stopAfter, wait, ...words }: ActorWords & PaceWords) {
  const [word] = takeWords(call, ['ID or NAME'], 1)
  const actor = actorOf(words)
  return begin(call, wait, async (desk, running) => {
    const { id } = await named(desk, word!)
    const begun = await desk.run(id, { perSecond, stopAfter, ...actor })
    if (!call.out.json) call.out.line(`${titleOf(begun)} runs${running ? '' : ' when the app starts'}`)
    return begun
  })
}

/** Lets an operation begin, and follows it. */
async function begin(
  call: Call,
  wait: boolean | undefined,
  how: (desk: Desk, running: boolean) => Promise<Operation>,
): Promise<number> {
  return withApp(call, async ({ desk, running }) => {
    // Before any report, so that an interrupted user learns that the operation continues.
    const interrupted = interruptible()
    try {
      const begun = await how(desk, running)
      if (call.out.json) await call.out.object(operationObject(begun))
      const ends = running && wait !== false && begun.state !== 'prepared'
      return ends ? await follow(desk, begun, call, interrupted) : 0
    } finally {
      interrupted.end()
    }
  })
}

export const titleOf = ({ id, name }: Operation) => `operation ${id} "${safe(name)}"`
export const doneWords = { release: 'released', resubmit: 'resubmitted', discard: 'discarded' } as const

function begunText({ total, action, oneFirst }: Operation): string {
  const first = oneFirst ? ', one first and the others when it was handled' : ''
  return `${count(total, 'message is', 'messages are')} selected to be ${doneWords[action]}${first}`
}

function untilText({ lanes, expiresAt }: Operation): string {
  const until = new Date(expiresAt!).toISOString()
  return `, in ${count(lanes, 'lane')}; nothing is done until desk run, which is possible until ${until}`
}

const lookMs = 200

async function follow(desk: Desk, begun: Operation, call: Call, interrupted: Interrupted): Promise<number> {
  const { out } = call
  const over = Promise.race([aborted(interrupted.signal), aborted(out.closed)])
  for (;;) {
    const now = await byId(desk, begun.id)
    if (now.endedAt !== null) return ended(desk, now, out, over)
    out.progress(progressText(now))
    await Promise.race([pause(lookMs), over])
    if (!interrupted.signal.aborted && !out.closed.aborted) continue
    out.progress(undefined)
    out.note(`${titleOf(now)} is still running; see ${commandFor(call, 'desk operations')}`)
    return interrupted.status() ?? 0
  }
}

function progressText({ state, done, total, action }: Operation): string {
  if (state === 'trying') return `1 of ${total} ${doneWords[action]}; the others follow when it is handled`
  return `${done} of ${total} ${doneWords[action]}`
}

async function ended(desk: Desk, operation: Operation, out: Output, over: Promise<void>): Promise<number> {
  out.progress(`${titleOf(operation)} ${endText(operation)}`)
  const outcome =
    operation.action !== 'discard' && operation.state !== 'failed' ? await settled(desk, operation, over) : undefined
  out.progress(undefined)
  if (out.json) await out.object({ ...operationObject(operation), ...(outcome === undefined ? {} : { outcome }) })
  else {
    await out.line(`${titleOf(operation)} ${endText(operation)}${outcomeText(outcome)}`)
    if (operation.refused > 0) await out.lines(refusedLines(await desk.refused(operation.id), operation, out.columns))
  }
  return operation.state === 'done' ? 0 : 1
}

const settleMs = 3_000

/** Waits for the outcome of the released messages: all of it, or what is known when the time is over. */
async function settled(desk: Desk, { id }: Operation, over: Promise<void>): Promise<OperationOutcome> {
  const deadline = performance.now() + settleMs
  let ended = false
  over.then(() => {
    ended = true
  })
  for (;;) {
    const outcome = await desk.outcome(id)
    if (outcome.trying === 0 || ended || performance.now() >= deadline) return outcome
    await Promise.race([pause(lookMs), over])
  }
}

/** Describes the released messages that failed again, or have not ended. Releasing only retries them. */
function outcomeText(outcome: OperationOutcome | undefined): string {
  const { held = 0, trying = 0 } = outcome ?? {}
  const again = held === 0 ? '' : `; ${count(held, 'of them is', 'of them are')} held again`
  return trying === 0 ? again : `${again}; ${count(trying, 'is', 'are')} still being tried`
}

export function endText({ state, done, total, refused, failures, action }: Operation): string {
  const changed = `${done - refused} of ${count(total, 'message')} ${doneWords[action]}`
  const not = refused === 0 ? '' : `, ${refused} not possible`
  if (state === 'prepared' || state === 'expired') return `is ${state}: nothing was changed`
  if (state === 'stopped') return `has stopped after ${count(failures, 'failure')}: ${changed}${not}`
  if (state === 'failed') return `has failed: its first message was not handled, the others were not changed`
  return `${state === 'aborted' ? 'was aborted' : 'is done'}: ${changed}${not}`
}

export function refusedLines(rows: readonly RefusedItem[], { refused }: Operation, columns: number): string[] {
  const lines = facts(
    rows.map(({ item, why }) => [String(item), why]),
    columns,
  )
  return refused > rows.length ? [...lines, `  … and ${refused - rows.length} more`] : lines
}

export function operationObject({ startedAt, endedAt, expiresAt, nextAt, ...operation }: Operation) {
  const time = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString())
  return {
    ...operation,
    ...{ startedAt: time(startedAt), endedAt: time(endedAt), expiresAt: time(expiresAt), nextAt: time(nextAt) },
  }
}

/** Finds an operation by its word. Errors: `millrace/unknown-operation`. */
export async function named(desk: Desk, word: string): Promise<Operation> {
  const id = /^\d{1,15}$/.test(word) ? Number(word) : undefined
  const [numbered] = id === undefined ? [] : await desk.operations({ after: id - 1, limit: 1 })
  if (numbered?.id === id && numbered !== undefined) return numbered
  const [found] = await desk.operations({ name: word })
  if (found !== undefined) return found
  throw new MillraceError('millrace/unknown-operation', `there is no operation "${word}"`)
}

export async function byId(desk: Desk, id: number): Promise<Operation> {
  const [operation] = await desk.operations({ after: id - 1, limit: 1 })
  return operation!
}
