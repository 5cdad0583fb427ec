// Shows flows: lists, and their questions to people.
import type { FlowRow, FlowState, Question } from '../../index.ts'
import { flowEnds, flowsUnderWay } from '../../operate/flows.ts'
import { type Call, takeWords, withApp } from '../call.ts'
import { listRows, showList } from '../lists.ts'
import { UsageError } from '../output.ts'
import { type Column, duration } from '../print.ts'
import { errorColumns, errorText } from './desk.ts'
import { time } from './desk-show.ts'

export interface FlowsWords {
  readonly mediator?: string | undefined
  readonly state?: readonly string[] | undefined
  readonly context?: string | undefined
  readonly step?: string | undefined
  readonly olderThan?: number | undefined
  readonly after?: number | undefined
  readonly limit?: number | undefined
}

/** Shows flows, oldest first. */
export async function flowsList(call: Call, words: FlowsWords): Promise<number> {
  takeWords(call, [], 0)
  const { out } = call
  const { state, after, limit = listRows, olderThan, mediator, context, step } = words
  const now = Date.now()
  const startedBefore = olderThan === undefined ? undefined : now - olderThan
  const filter = { mediator, context, step, startedBefore, states: readStates(state) }
  return withApp(call, async ({ flows }) => {
    const read = (from: number | undefined, rows: number) => flows.list({ ...filter, after: from, limit: rows })
    const list = { read, columns: columns(now), object: flowObject, nothing: nothing(words), more: '--after' }
    await showList({ ...list, after, limit }, out)
    return 0
  })
}

function nothing({ after = 0, ...filter }: FlowsWords): string {
  const any = Object.entries(filter).some(([name, value]) => name !== 'limit' && value !== undefined)
  const what = any ? 'no flow matches' : 'no flow is pending'
  return after === 0 ? what : `${what} after ${after}`
}

/** Reads the states; default: those of flows that have not ended. */
function readStates(names: readonly string[] | undefined): readonly FlowState[] | undefined {
  if (names === undefined) return flowsUnderWay
  if (names.includes('all')) return undefined
  const states = [...flowsUnderWay, ...flowEnds]
  return names.map((name) => {
    const found = states.find((state) => state === name)
    if (found === undefined) throw new UsageError(`--state is "${name}", but must be ${states.join(', ')} or all`)
    return found
  })
}

function columns(nowMs: number): Column<FlowRow>[] {
  return [
    { title: 'ID', value: ({ id }) => id },
    { title: 'MEDIATOR', value: ({ mediator }) => mediator, shrinksTo: 8 },
    { title: 'STATE', value: ({ state, held }) => (held == null ? state : `${state}, held`) },
    { title: 'CONTEXT', value: ({ context }) => context ?? '-', shrinksTo: 7 },
    { title: 'ERROR', value: ({ error }) => errorText(error), shrinksTo: 8, keeps: errorColumns },
    { title: 'SINCE', value: ({ startedAt }) => duration(nowMs - startedAt) },
    {
      title: 'TOOK',
      value: ({ startedAt, endedAt }) => (endedAt === null ? '-' : duration(endedAt - startedAt)),
    },
  ]
}

/** Makes the JSON of a flow. */
export function flowObject(row: FlowRow) {
  const { id, mediator, version, state, context, error, startedAt, endedAt, message, parent, rerunOf, result } = row
  const { continues, held } = row
  return {
    id,
    mediator,
    version,
    state,
    context,
    error: error === null ? null : { code: error.code, message: error.message },
    startedAt: time(startedAt),
    endedAt: endedAt === null ? null : time(endedAt),
    messageId: message.id,
    correlationId: message.correlationId,
    ...(parent === null ? {} : { parent: parent.flow }),
    ...(rerunOf === null ? {} : { rerunOf }),
    ...(continues === null ? {} : { continues }),
    ...(held == null ? {} : { held }),
    ...(result === undefined ? {} : { result }),
  }
}

export interface QuestionWords {
  readonly mediator?: string | undefined
  readonly to?: string | undefined
  readonly after?: number | undefined
  readonly limit?: number | undefined
}

/** Shows the questions of flows to people, oldest first. */
export async function flowsQuestions(
  call: Call,
  { mediator, to, after, limit = listRows }: QuestionWords,
): Promise<number> {
  takeWords(call, [], 0)
  const { out } = call
  return withApp(call, async ({ flows }) => {
    const read = (from: number | undefined, rows: number) => flows.questions({ mediator, to, after: from, limit: rows })
    const nothing = to === undefined ? 'no question is open' : `no question waits for ${to}`
    const list = { read, columns: questionColumns(Date.now()), object: questionObject, nothing, more: '--after' }
    await showList({ ...list, after, limit }, out)
    return 0
  })
}

function questionObject({ askedAt, dueAt, ...question }: Question) {
  return { ...question, askedAt: time(askedAt), dueAt: dueAt === null ? null : time(dueAt) }
}

function questionColumns(nowMs: number): Column<Question>[] {
  return [
    { title: 'FLOW', value: ({ flow }) => flow },
    { title: 'STEP', value: ({ step }) => step, shrinksTo: 8 },
    { title: 'MEDIATOR', value: ({ mediator }) => mediator, shrinksTo: 8 },
    { title: 'CONTEXT', value: ({ context }) => context ?? '-', shrinksTo: 7 },
    { title: 'TO', value: ({ to, escalated }) => `${to ?? '-'}${escalated ? ' (escalated)' : ''}`, shrinksTo: 6 },
    { title: 'QUESTION', value: ({ title }) => title, shrinksTo: 8, keeps: 20 },
    { title: 'SINCE', value: ({ askedAt }) => duration(nowMs - askedAt) },
    { title: 'LEFT', value: ({ dueAt }) => (dueAt === null ? '-' : duration(dueAt - nowMs)) },
  ]
}
