// Shows flows: lists, and their questions to people.
import type { FlowRow, Question } from '../../index.ts'
import { flowEnds, flowsUnderWay } from '../../operate/flows.ts'
import { type Call, takeWords, withApp } from '../call.ts'
import { readId } from '../each.ts'
import { listCommand, nothingText, type PageWords, statesOf } from '../lists.ts'
import { type Column, duration, safe, safeJson } from '../print.ts'
import { errorColumns, errorText } from './desk.ts'
import { time } from './desk-show.ts'

export const aFlow = 'a flow'

export interface FlowsWords extends PageWords {
  readonly mediator?: string | undefined
  readonly state?: readonly string[] | undefined
  readonly context?: string | undefined
  readonly step?: string | undefined
  readonly olderThan?: number | undefined
}

/** Shows flows, oldest first; default: those that have not ended. */
export async function flowsList(call: Call, words: FlowsWords): Promise<number> {
  const { state, olderThan, mediator, context, step } = words
  const now = Date.now()
  const states = state === undefined ? flowsUnderWay : statesOf(state, [...flowsUnderWay, ...flowEnds])
  const startedBefore = olderThan === undefined ? undefined : now - olderThan
  const filter = { mediator, context, step, startedBefore, states }
  return listCommand(call, words, {
    read: ({ flows }, page) => flows.list({ ...filter, ...page }),
    columns: columns(now),
    object: flowObject,
    nothing: nothingText(words, 'no flow is pending', 'no flow matches'),
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

export interface QuestionWords extends PageWords {
  readonly mediator?: string | undefined
  readonly to?: string | undefined
}

/** Shows the questions of flows to people, oldest first. */
export async function flowsQuestions(call: Call, words: QuestionWords): Promise<number> {
  const { mediator, to } = words
  return listCommand(call, words, {
    read: ({ flows }, page) => flows.questions({ mediator, to, ...page }),
    columns: questionColumns(Date.now()),
    object: questionObject,
    nothing: to === undefined ? 'no question is open' : `no question waits for ${to}`,
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

/** Prints the JSON Schema of the answer to a question; exit code 1 where there is none. */
export async function flowsForm(call: Call): Promise<number> {
  const [text, step] = takeWords(call, ['ID', 'STEP'], 2)
  const id = readId(text!, aFlow)
  const { out } = call
  return withApp(call, async ({ flows }) => {
    const form = await flows.form(id, step!)
    if (out.json) await out.object(form)
    else if (form.schema === null) out.note(`question "${safe(step!)}" has no JSON Schema: ${safe(form.why!)}`)
    else await out.line(safeJson(JSON.stringify(form.schema, null, 2)))
    return form.schema === null ? 1 : 0
  })
}
