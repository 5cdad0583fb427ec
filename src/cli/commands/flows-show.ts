// Shows everything about one flow, with its steps.
import { type Desk, type DeskRow, type FlowItem, type FlowStep, MillraceError } from '../../index.ts'
import { type Call, commandFor, takeWords, withApp } from '../call.ts'
import { readId } from '../each.ts'
import { type Column, count, duration, facts, moment, safe, shellWord, table, wrap } from '../print.ts'
import { errorText } from './desk.ts'
import { dataLines, errorLines, time } from './desk-show.ts'
import { aFlow, flowObject } from './flows.ts'

/** Shows one flow and its steps. */
export async function flowsShow(call: Call): Promise<number> {
  const [text] = takeWords(call, ['ID'], 1)
  const id = readId(text!, aFlow)
  const { out } = call
  return withApp(call, async ({ desk, flows }) => {
    const flow = await flows.show(id)
    if (flow === undefined) throw new MillraceError('millrace/unknown-flow', `there is no flow ${id}`)
    const atDesk = await commandsAtDesk(flow, desk)
    if (out.json) await out.object(shownObject(flow, atDesk))
    else await out.lines(shownLines(flow, atDesk, call))
    return 0
  })
}

type AtDesk = ReadonlyMap<FlowStep, DeskRow>

/** The open calls whose commands are at the desk. */
async function commandsAtDesk(flow: FlowItem, desk: Desk): Promise<AtDesk> {
  const found = new Map<FlowStep, DeskRow>()
  for (const step of flow.steps) {
    const { command } = step
    if (command === null || stateOf(step, flow) !== 'running') continue
    const context = command.context ?? undefined
    const rows = await desk.list({ type: step.what, context, states: ['held', 'deciding', 'trying', 'line'] })
    const row = rows.find(({ message }) => message.id === command.id)
    if (row !== undefined) found.set(step, row)
  }
  return found
}

/** The state of a step; a step that is still open after its flow ended is `abandoned`, since nothing waits for it. */
function stateOf({ state, outcome, endedAt }: FlowStep, flow: FlowItem): FlowStep['state'] | 'abandoned' {
  return outcome === undefined && endedAt === null && flow.endedAt !== null ? 'abandoned' : state
}

function shownObject(flow: FlowItem, atDesk: AtDesk) {
  return {
    ...flowObject(flow),
    error: flow.error,
    data: JSON.parse(flow.message.json) as unknown,
    steps: flow.steps.map((step) => {
      const { beganAt, endedAt, dueAt, ...rest } = step
      const item = atDesk.get(step)
      return {
        ...rest,
        state: stateOf(step, flow),
        beganAt: time(beganAt),
        endedAt: endedAt === null ? null : time(endedAt),
        dueAt: dueAt === null ? null : time(dueAt),
        ...(item === undefined ? {} : { atDesk: { id: item.id, state: item.state } }),
      }
    }),
  }
}

function shownLines(flow: FlowItem, atDesk: AtDesk, call: Call): string[] {
  const { out } = call
  const { id, mediator, state, error, steps, message, result } = flow
  const title = (text: string) => ['', out.colour('bold', text)]
  const now = Date.now()
  const lines = [
    `${out.colour('bold', `flow ${id}`)} of mediator ${safe(mediator)}: ${state}`,
    ...facts(factsOf(flow, now), out.columns),
    ...errorLines(error, out),
    ...title('steps'),
  ]
  if (steps.length === 0) lines.push('  none yet')
  else {
    const [titles, ...rows] = table(columns(flow, now), steps, out.columns - 2)
    lines.push(`  ${titles}`)
    steps.forEach((step, at) => {
      const notes = notesOf(step, flow, { atDesk: atDesk.get(step), now, call })
      lines.push(`  ${rows[at]}`, ...notes.flatMap((note) => wrap(safe(note), out.columns - 6)).map(indented))
    })
  }
  if (result !== undefined) lines.push(...title('result'), ...dataLines(JSON.stringify(result)))
  lines.push(...title(`data of ${safe(message.type)}`), ...dataLines(message.json))
  return lines
}

const indented = (line: string) => `      ${line}`

function factsOf(flow: FlowItem, nowMs: number): (readonly [string, string | undefined])[] {
  const { state, version, context, message, startedAt, endedAt, parent, rerunOf, continues } = flow
  return [
    ['version', version === 1 ? undefined : String(version)],
    ['context', context ?? 'none'],
    ['started', `${time(startedAt)} (${duration(nowMs - startedAt)} ago)`],
    ['by', `${message.type} ${message.id}`],
    ['flow', message.correlationId === message.id ? undefined : message.correlationId],
    ['waited for', parent === null ? undefined : `by flow ${parent.flow}`],
    ['runs again', rerunOf === null ? undefined : `flow ${rerunOf}`],
    ['continues', continues === null ? undefined : `flow ${continues}`],
    ['waits for', state === 'queued' ? 'the end of an earlier flow of its context' : undefined],
    ['ended', endedAt === null ? undefined : `${time(endedAt)}, after ${duration(endedAt - startedAt)}`],
  ]
}

function columns(flow: FlowItem, nowMs: number): Column<FlowStep>[] {
  return [
    { title: 'BEGAN (UTC)', value: ({ beganAt }) => moment(beganAt) },
    { title: 'TOOK', value: (step) => tookText(step, flow, nowMs) },
    { title: 'STATE', value: (step) => stateText(step, flow) },
    { title: 'STEP', value: ({ name }) => name, shrinksTo: 8, keeps: 16 },
    { title: 'WHAT', value: whatText, shrinksTo: 8 },
  ]
}

function tookText(step: FlowStep, flow: FlowItem, nowMs: number): string {
  const { beganAt, endedAt } = step
  if (endedAt !== null) return endedAt === beganAt ? '-' : duration(endedAt - beganAt)
  return stateOf(step, flow) === 'running' ? duration(nowMs - beganAt) : '-'
}

function stateText(step: FlowStep, flow: FlowItem): string {
  const state = stateOf(step, flow)
  if (!step.undo) return state
  return state === 'done' ? 'undo' : `undo ${state}`
}

function whatText({ kind, what, name }: FlowStep): string {
  return what === '' || what === name || what === kind ? kind : `${kind} ${what}`
}

interface Known {
  readonly atDesk: DeskRow | undefined
  readonly now: number
  readonly call: Call
}

/** The notes below the line of a step: the error, or what it waits for. */
function notesOf(step: FlowStep, flow: FlowItem, { atDesk, now, call }: Known): string[] {
  const { outcome, attempts, name, undone } = step
  const notes: string[] = []
  if (attempts > 1) notes.push(`done ${count(attempts, 'time')}`)
  if (outcome?.ok === false) notes.push(errorText(outcome) + effectsText(outcome.effects))
  if (undone !== null) notes.push(undoTexts[undone])
  if (stateOf(step, flow) !== 'running') return notes
  if (atDesk !== undefined) {
    const why = atDesk.error === null ? '' : ` (${errorText(atDesk.error)})`
    notes.push(`its command is ${atDeskText(atDesk)}${why}`, `see ${commandFor(call, 'desk show', String(atDesk.id))}`)
  } else notes.push(...waitsFor(step, flow))
  if (step.dueAt !== null) {
    const left = step.dueAt > now ? `in ${duration(step.dueAt - now)}` : 'now'
    notes.push(`${step.kind === 'sleep' ? 'ends' : 'times out'} ${left}, at ${moment(step.dueAt)}`)
  }
  if (step.kind === 'ask')
    notes.push(`answer: ${commandFor(call, 'flows answer', `${flow.id} ${shellWord(name)} JSON`)}`)
  return notes
}

const undoTexts = {
  pending: 'its undo is pending: it waits for those of later steps',
  running: 'its undo is running',
  done: 'undone',
  failed: 'its undo has failed: the flow is stuck at it until it is resumed',
} as const

function effectsText(effects: 'never' | 'unknown' | undefined): string {
  if (effects === undefined) return ''
  return effects === 'never' ? '; it had no effects' : '; whether it had effects is not known'
}

function atDeskText({ id, state }: DeskRow): string {
  if (state === 'held') return `held at the desk as message ${id}`
  if (state === 'line') return `message ${id} in line at the desk`
  return state === 'deciding' ? `message ${id}, which a rule decides about` : `message ${id}, which is tried again`
}

function waitsFor({ kind, what, command, flow }: FlowStep, { context }: FlowItem): string[] {
  if (kind === 'call') return [`waits for the end of command ${command!.id}`]
  if (kind === 'flow' && flow !== null) return [`waits for flow ${flow}`]
  return kind === 'wait' ? [`waits for event ${what}${context === null ? '' : ` of context ${context}`}`] : []
}
