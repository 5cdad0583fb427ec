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
import { readJson } from '../json-file.ts'
import { listCommand, type PageWords } from '../lists.ts'
import { type Output, UsageError } from '../output.ts'
import { type Column, count, duration, facts, safe } from '../print.ts'

export interface SelectWords extends ActorWords {
  readonly all?: boolean | undefined
  readonly name?: string | undefined
  readonly processor?: string | undefined
  readonly type?: string | undefined
  readonly context?: string | undefined
  readonly group?: number | undefined
  readonly oneFirst?: boolean | undefined
  /** The path of a file with a change list. */
  readonly change?: string | undefined
  readonly wait?: boolean | undefined
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
  wait,
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
    'no-wait': wait === false || undefined,
  }
  const given = Object.entries(options).find(([, value]) => value !== undefined)
  if (given !== undefined) throw new UsageError(`--${given[0]} goes with --all only`)
  return false
}

/** Starts an operation and shows its progress until it ends. */
export async function select(
  call: Call,
  action: Operation['action'],
  { name, oneFirst = false, change: path, wait = true, processor, type, context, group }: SelectWords,
  actor: Actor,
): Promise<number> {
  const { out, words } = call
  if (words.length > 0) throw new UsageError(`"${words[0]}" does not go with --all`)
  const change = path === undefined ? undefined : (readJson('--change', path) as ChangeList)
  const what = JSON.parse(JSON.stringify({ processor, type, context, group }))
  return withApp(call, async ({ desk, running }) => {
    // Before any report, so that an interrupted user learns that the operation continues.
    const interrupted = interruptible()
    try {
      const begun = await desk.select(action, what, { name: name!, oneFirst, change, ...actor })
      if (out.json) await out.object(operationObject(begun))
      else out.line(`${titleOf(begun)}: ${begunText(begun)}${running ? '' : ', when the app starts'}`)
      return running && wait ? await follow(desk, begun, call, interrupted) : 0
    } finally {
      interrupted.end()
    }
  })
}

const titleOf = ({ id, name }: Operation) => `operation ${id} "${safe(name)}"`
const doneWords = { release: 'released', resubmit: 'resubmitted', discard: 'discarded' } as const

function begunText({ total, action, oneFirst }: Operation): string {
  const first = oneFirst ? ', one first and the others when it was handled' : ''
  return `${count(total, 'message is', 'messages are')} selected to be ${doneWords[action]}${first}`
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

function endText({ state, done, total, refused, action }: Operation): string {
  const changed = `${done - refused} of ${count(total, 'message')} ${doneWords[action]}`
  const not = refused === 0 ? '' : `, ${refused} not possible`
  if (state === 'failed') return `has failed: its first message was not handled, the others were not changed`
  return `${state === 'aborted' ? 'was aborted' : 'is done'}: ${changed}${not}`
}

function refusedLines(rows: readonly RefusedItem[], { refused }: Operation, columns: number): string[] {
  const lines = facts(
    rows.map(({ item, why }) => [String(item), why]),
    columns,
  )
  return refused > rows.length ? [...lines, `  … and ${refused - rows.length} more`] : lines
}

function operationObject({ startedAt, endedAt, ...operation }: Operation) {
  const time = (ms: number) => new Date(ms).toISOString()
  return { ...operation, startedAt: time(startedAt), endedAt: endedAt === null ? null : time(endedAt) }
}

/** Shows the operations; or one of them, with its outcome and the refused messages. */
export async function deskOperations(call: Call, page: PageWords): Promise<number> {
  if (call.words.length > 0) return deskOperation(call)
  return listCommand(call, page, {
    read: ({ desk }, page) => desk.operations(page),
    columns: columns(Date.now()),
    object: operationObject,
    nothing: 'there are no operations',
  })
}

async function deskOperation(call: Call): Promise<number> {
  const [word] = takeWords(call, ['ID'], 0)
  const { out } = call
  return withApp(call, async ({ desk }) => {
    const one = await named(desk, word!)
    const refusals = await desk.refused(one.id)
    const outcome = await desk.outcome(one.id)
    if (out.json) await out.object({ ...operationObject(one), outcome, refusals })
    else {
      const shown = facts(factsOf(one, outcome), out.columns)
      await out.lines([titleOf(one), ...shown, ...refusedLines(refusals, one, out.columns)])
    }
    return 0
  })
}

function factsOf(operation: Operation, outcome: OperationOutcome): (readonly [string, string | undefined])[] {
  const { action, state, by, reason, startedAt, endedAt, oneFirst, total, done, refused } = operation
  return [
    ['action', `${action}${oneFirst ? ', one first' : ''}`],
    ['state', state],
    ['by', by],
    ['reason', reason ?? undefined],
    ['started', new Date(startedAt).toISOString()],
    ['ended', endedAt === null ? undefined : new Date(endedAt).toISOString()],
    [doneWords[action], `${done - refused} of ${total}`],
    ['held again', outcome.held === 0 ? undefined : String(outcome.held)],
    ['not possible', refused === 0 ? undefined : String(refused)],
  ]
}

function columns(nowMs: number): Column<Operation>[] {
  return [
    { title: 'ID', value: ({ id }) => id },
    { title: 'NAME', value: ({ name }) => name, shrinksTo: 8 },
    { title: 'ACTION', value: ({ action }) => action },
    { title: 'STATE', value: ({ state }) => state },
    { title: 'DONE', value: ({ done, total }) => `${done} of ${total}` },
    { title: 'REFUSED', value: ({ refused }) => refused },
    { title: 'BY', value: ({ by }) => by, shrinksTo: 6 },
    { title: 'STARTED', value: ({ startedAt }) => duration(nowMs - startedAt) },
  ]
}

/** Aborts an operation; its finished work stays. */
export async function deskAbort(call: Call, words: ActorWords): Promise<number> {
  const [word] = takeWords(call, ['ID or NAME'], 1)
  const actor = actorOf(words)
  return withApp(call, async ({ desk }) => {
    const { id } = await named(desk, word!)
    await desk.abort(id, actor)
    const operation = await byId(desk, id)
    if (call.out.json) await call.out.object(operationObject(operation))
    else call.out.line(`${titleOf(operation)} ${endText(operation)}`)
    return 0
  })
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

async function byId(desk: Desk, id: number): Promise<Operation> {
  const [operation] = await desk.operations({ after: id - 1, limit: 1 })
  return operation!
}
