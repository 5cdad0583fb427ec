// Operations on many held messages, as they are shown and aborted.
import type { Operation, OperationOutcome } from '../../index.ts'
import { type ActorWords, actorOf } from '../actor.ts'
import { type Call, takeWords, withApp } from '../call.ts'
import { listCommand, type PageWords } from '../lists.ts'
import { type Column, count, duration, facts } from '../print.ts'
import { byId, doneWords, endText, named, operationObject, refusedLines, titleOf } from './operations.ts'

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
  const { lanes, perSecond, stopAfter, failures, expiresAt } = operation
  return [
    ['action', `${action}${oneFirst ? ', one first' : ''}`],
    ['state', state],
    ['by', by],
    ['reason', reason ?? undefined],
    ['lanes', String(lanes)],
    ['rate', perSecond === null ? undefined : `${count(perSecond, 'lane')} a second`],
    ['stops', stopAfter === null ? undefined : `after ${count(stopAfter, 'failure')}, ${failures} so far`],
    ['expires', expiresAt === null || state !== 'prepared' ? undefined : new Date(expiresAt).toISOString()],
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
