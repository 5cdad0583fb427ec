// The actions of people on flows.
import type { FlowDesk } from '../../index.ts'
import { type ActorWords, actorOf, actorWithReason } from '../actor.ts'
import { type Call, takeWords, withApp } from '../call.ts'
import { each, readId } from '../each.ts'
import { parse } from '../json-file.ts'
import { safe } from '../print.ts'
import { errorText } from './desk.ts'
import { aFlow } from './flows.ts'

/** Cancels flows that have not ended: their steps are undone. */
export async function flowsCancel(call: Call, words: ActorWords): Promise<number> {
  const actor = actorOf(words)
  return eachFlow(call, 'cancelled', (flows, id) => flows.cancel(id, actor))
}

/** Stops flows as they are: nothing is undone. */
export async function flowsStop(call: Call, words: ActorWords): Promise<number> {
  const actor = actorWithReason('stop', words)
  return eachFlow(call, 'stopped', (flows, id) => flows.stop(id, actor))
}

/** Pauses running flows: they do nothing until they are resumed. */
export async function flowsPause(call: Call, words: ActorWords): Promise<number> {
  const actor = actorOf(words)
  return eachFlow(call, 'paused', (flows, id) => flows.pause(id, actor))
}

/** Resumes flows that are paused or stuck. */
export async function flowsResume(call: Call, words: ActorWords): Promise<number> {
  const actor = actorOf(words)
  return eachFlow(call, 'resumed', (flows, id) => flows.resume(id, actor))
}

function eachFlow(call: Call, done: string, act: (flows: FlowDesk, id: number) => Promise<void>): Promise<number> {
  return each(call, aFlow, ofOne, async ({ flows }, id) => {
    await act(flows, id)
    // The state since the resume: code that does not fit pauses a flow again, and an undo may fail again.
    const flow = await flows.show(id)
    const state = flow?.state ?? 'gone'
    const halted = state === 'stuck' || (state === 'paused' && done === 'resumed')
    const now = halted ? `, and now ${state}: ${errorText(flow!.error)}` : ''
    return { text: `flow ${id} is ${done}${safe(now)}`, object: { [done]: true, state } }
  })
}

/** The codes of errors about one flow, not about the app or its file. */
const ofOne: ReadonlySet<string> = new Set([
  'millrace/unknown-flow',
  'millrace/flow-ended',
  'millrace/flow-busy',
  'millrace/flow-mismatch',
  'millrace/past-no-return',
])

/** Answers the question of a flow. */
export async function flowsAnswer(call: Call, words: ActorWords): Promise<number> {
  const [text, step, json] = takeWords(call, ['ID', 'STEP', 'JSON'], 3)
  const id = readId(text!, aFlow)
  const value = parse('the answer', json!)
  const actor = actorOf(words)
  return withApp(call, async ({ flows }) => {
    await flows.answer(id, step!, value, actor)
    if (call.out.json) call.out.object({ id, step, answered: true })
    else call.out.line(`flow ${id} has its answer to "${safe(step!)}"`)
    return 0
  })
}

/** Runs an ended flow again, as a new flow. */
export async function flowsRerun(call: Call, { from, ...words }: ActorWords & { from?: string }): Promise<number> {
  const [text] = takeWords(call, ['ID'], 1)
  const id = readId(text!, aFlow)
  const actor = actorOf(words)
  return withApp(call, async ({ flows }) => {
    const as = await flows.runAgain(id, { ...(from === undefined ? {} : { from }), ...actor })
    if (call.out.json) call.out.object({ id, as })
    else call.out.line(`flow ${id} runs again as flow ${as}${from === undefined ? '' : `, from "${safe(from)}" on`}`)
    return 0
  })
}
