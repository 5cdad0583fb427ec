// Operations on many messages at the desk for people: what is asked for is checked here, and done by the backend.
import { type ChangeList, checkChangeList } from '../model/change.ts'
import type { Stored } from '../model/codec.ts'
import { type Actor, type Change, checkActor, checkState, checkText, type DeskEntry } from '../model/desk.ts'
import type { NewOperation, Operation, OperationRun, Preview, PreviewPage, Selection } from '../model/desk-views.ts'
import { fault, isMillraceError } from '../model/errors.ts'
import { defaults } from '../model/options.ts'
import { lengthOf } from '../model/page.ts'
import type { DeskReads } from '../seam/desk-reads.ts'
import type { OperationReads } from '../seam/operations.ts'
import type { DeskOperations, OperationOptions } from './desk-operations.ts'

const refusedShown = 100
const nameCharsMax = 100
const preparedMs = 3_600_000
const paceMost = { perSecond: 1_000, stopAfter: 10_000 }
const previewed = { default: 20, most: 100 }

/** Carries operations out: the engine of a running app, or a store that no app has. */
export interface OperationsBackend {
  look<T>(read: (desk: DeskReads, operations: OperationReads) => Promise<T>): Promise<T>
  select(operation: NewOperation, what: Selection): Promise<Operation>
  run(operation: number, how: OperationRun): Promise<Operation>
  abort(operation: number, actor: Actor): Promise<void>
  /** Makes the message that a change would make of one at the desk. Errors: those of a resubmit. */
  corrected(entry: DeskEntry, change: Change): Stored
}

export function operationsOn(backend: () => OperationsBackend, us: Actor, now: () => number): DeskOperations {
  const look: OperationsBackend['look'] = async (read) => backend().look(read)
  return {
    select: async (action, what, options) => backend().select(newOperation(action, options, now()), what),
    preview: async (id, page = {}) => preview(backend(), id, page),
    run: async (id, how) => backend().run(id, checkedRun(how)),
    operations: (filter = {}) => look((_desk, operations) => operations.list(filter)),
    outcome: (id) => look((_desk, operations) => operations.outcome(id)),
    refused: (id) => look((_desk, operations) => operations.refused(id, refusedShown)),
    abort: async (id, actor = us) => backend().abort(id, checkActor('abort', actor)),
  }
}

/** @throws `millrace/bad-option`, `millrace/unknown-option`, `millrace/not-json`, `millrace/too-large` */
function newOperation(action: Operation['action'], options: OperationOptions, startedAt: number): NewOperation {
  const where = 'desk.select'
  const { name, oneFirst = false, prepare = false } = options
  const { perSecond = null, stopAfter = null } = checkPace(where, options)
  const { by, reason = null } = checkActor(where, options)
  checkText(where, 'name', name)
  if (name.length > nameCharsMax) {
    throw fault('millrace/bad-option', `${where}: the name has more than ${nameCharsMax} characters`)
  }
  if (action !== 'release') checkText(where, 'reason', reason)
  if (action === 'discard' && oneFirst) {
    throw fault('millrace/bad-option', `${where}: oneFirst does not go with discard: a discarded message is not tried`)
  }
  return {
    ...{ name, action, by, reason, oneFirst, perSecond, stopAfter, startedAt },
    change: changeOf(where, action, options.change),
    expiresAt: prepare ? startedAt + preparedMs : null,
  }
}

function changeOf(where: string, action: Operation['action'], change: unknown): ChangeList | null {
  if (action === 'resubmit') return checkChangeList(where, change)
  if (change === undefined) return null
  throw fault('millrace/bad-option', `${where}: a change goes with resubmit only, not with ${action}`)
}

function checkedRun(how: OperationRun): OperationRun {
  const { perSecond, stopAfter } = checkPace('desk.run', how)
  return { ...checkActor('run', how), perSecond, stopAfter }
}

type Pace = Pick<OperationRun, 'perSecond' | 'stopAfter'>

/** @throws `millrace/bad-option` */
function checkPace<T extends Pace>(where: string, pace: T): T {
  for (const [name, most] of Object.entries(paceMost)) {
    const value = pace[name as keyof Pace]
    if (value === undefined || value <= most) continue
    throw fault('millrace/bad-option', `${where}: ${name} is ${value}, but must be a whole number from 1 to ${most}`)
  }
  return pace
}

function preview(backend: OperationsBackend, id: number, { after = 0, limit }: PreviewPage): Promise<Preview[]> {
  const most = Math.min(limit ?? previewed.default, previewed.most)
  return backend.look(async (desk, operations) => {
    const [operation] = await operations.list({ after: id - 1, limit: 1 })
    if (operation?.id !== id) throw fault('millrace/unknown-operation', `there is no operation ${id}`)
    const { change, name, action } = operation
    if (change === null) {
      throw fault('millrace/bad-option', `desk.preview: operation "${name}" is a ${action}, which changes no data`)
    }
    const shown: Preview[] = []
    let bytes = 0
    for (const item of await operations.remaining(id, after, most)) {
      // What is read is shown: a page ends with the message by which it is full.
      if (bytes >= defaults.pageBytes.default) break
      const one = previewOf(backend, item, await desk.item(item, { line: 0, history: 0 }), change)
      bytes += lengthOf(one.before, one.after)
      shown.push(one)
    }
    return shown
  })
}

function previewOf(
  backend: OperationsBackend,
  item: number,
  entry: DeskEntry | undefined,
  change: ChangeList,
): Preview {
  const before = entry?.message.json ?? 'null'
  try {
    if (entry === undefined) throw fault('millrace/unknown-item', `there is no message ${item} at the desk`)
    checkState(entry, 'held')
    const { json } = backend.corrected(entry, { do: 'change', change, note: 'preview' })
    return { item, before, after: json, why: null }
  } catch (why) {
    // Without the code of the app nothing can be told of any message.
    if (!isMillraceError(why) || why.code === 'millrace/no-app') throw why
    return { item, before, after: null, why: why.message }
  }
}
