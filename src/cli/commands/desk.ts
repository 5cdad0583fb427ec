import { type DeskRow, type DeskState, type ErrorRecord, MillraceError } from '../../index.ts'
import { type Call, takeWords, withApp } from '../call.ts'
import { type Output, UsageError } from '../output.ts'
import { type Column, count, duration, facts, safeLines, table } from '../print.ts'

export interface ListWords {
  readonly processor?: string
  readonly state?: readonly string[]
  readonly after?: number
  readonly limit?: number
}

const states: readonly DeskState[] = ['held', 'trying', 'line']
const listRows = 100
const pageRows = 1_000

/** Shows what is at the desk, the oldest first. */
export async function deskList(
  call: Call,
  { processor, state, after = 0, limit = listRows }: ListWords,
): Promise<number> {
  takeWords(call, [], 0)
  const { out } = call
  const filter = { processor, states: readStates(state) }
  return withApp(call, async ({ desk }) => {
    let from = after
    let left = limit
    const shown: DeskRow[] = []
    while (left > 0) {
      const page = await desk.list({ ...filter, after: from, limit: Math.min(left, pageRows) })
      for (const row of page) {
        if (out.json) await out.object(listed(row))
        else shown.push(row)
        from = row.id
      }
      left -= page.length
      if (page.length < Math.min(left + page.length, pageRows)) break
    }
    if (out.json) return 0
    if (shown.length === 0) out.line(after === 0 ? 'nothing is at the desk' : `nothing is at the desk after ${after}`)
    else out.lines(table(columns(Date.now()), shown, out.columns))
    if (left === 0 && shown.length > 0) out.note(`there may be more: --after ${from}`)
    return 0
  })
}

/** What needs a person, unless others are asked for. */
function readStates(names: readonly string[] = ['held']): DeskState[] | undefined {
  if (names.includes('all')) return undefined
  return names.map((name) => {
    const found = states.find((state) => state === name)
    if (found === undefined) throw new UsageError(`--state is "${name}", but must be held, trying, line or all`)
    return found
  })
}

function columns(nowMs: number): Column<DeskRow>[] {
  return [
    { title: 'ID', value: ({ id }) => id },
    { title: 'PROCESSOR', value: ({ processor }) => processor, shrinksTo: 9 },
    { title: 'STATE', value: ({ state }) => state },
    { title: 'TYPE', value: ({ message }) => message.type, shrinksTo: 8 },
    { title: 'CONTEXT', value: ({ message }) => message.context ?? '-', shrinksTo: 7 },
    { title: 'ERROR', value: ({ error }) => (error === null ? '-' : `${error.code}: ${error.message}`), shrinksTo: 10 },
    { title: 'TRIED', value: ({ attempts }) => attempts },
    { title: 'WAITING', value: ({ waiting }) => waiting },
    { title: 'SINCE', value: ({ heldAt }) => duration(nowMs - heldAt) },
  ]
}

function listed(row: DeskRow) {
  const { id, processor, state, message, error, attempts, waiting, heldAt } = row
  return {
    id,
    processor,
    state,
    type: message.type,
    context: message.context,
    error: error === null ? null : { code: error.code, message: error.message },
    attempts,
    waiting,
    heldAt: new Date(heldAt).toISOString(),
    messageId: message.id,
    correlationId: message.correlationId,
  }
}

const lineShown = 5

/** Shows everything about one message at the desk. */
export async function deskShow(call: Call): Promise<number> {
  const [text] = takeWords(call, ['ID'], 1)
  const id = readId(text!)
  const { out } = call
  return withApp(call, async ({ desk }) => {
    const row = await desk.show(id)
    if (row === undefined) throw new MillraceError('millrace/unknown-item', `there is no message ${id} at the desk`)
    const { message, processor } = row
    const after =
      message.context === null || row.state === 'line'
        ? []
        : await desk.list({ processor, states: ['line'], after: id, limit: pageRows })
    const behind = after.filter((other) => other.message.context === message.context).slice(0, lineShown)
    if (out.json) await out.object(shownObject(row))
    else out.lines(shownLines(row, behind, out))
    return 0
  })
}

function shownObject(row: DeskRow) {
  const { message, error, kills } = row
  return {
    ...listed(row),
    error,
    deaths: kills,
    source: message.source,
    time: new Date(message.time).toISOString(),
    version: message.version,
    position: message.position,
    causationId: message.causationId,
    data: JSON.parse(message.json),
  }
}

function shownLines(row: DeskRow, behind: readonly DeskRow[], out: Output): string[] {
  const { id, processor, state, message, error, attempts, kills, heldAt, waiting } = row
  const ids = behind.map((other) => other.id).join(', ')
  const more = waiting > behind.length ? ', …' : ''
  const lines = [
    `${out.colour('bold', `message ${id}`)} at the desk of processor ${processor}: ${state}`,
    ...facts(
      [
        ['type', `${message.type}${message.version === 1 ? '' : `, version ${message.version}`}`],
        ['id', message.id],
        ['context', message.context ?? 'none'],
        ['flow', message.correlationId],
        ['caused by', message.causationId ?? undefined],
        ['published', `${new Date(message.time).toISOString()} by ${message.source}`],
        ['here since', `${new Date(heldAt).toISOString()} (${duration(Date.now() - heldAt)})`],
        ['attempts', String(attempts)],
        ['deaths', kills === 0 ? undefined : `${count(kills, 'process', 'processes')} died while it ran alone`],
        ['waiting', waiting === 0 ? 'none behind it' : `${waiting} behind it${ids === '' ? '' : `: ${ids}${more}`}`],
      ],
      out.columns,
    ),
  ]
  for (let one: ErrorRecord | null | undefined = error; one; one = one.cause) {
    lines.push('', out.colour('red', `${one === error ? 'error' : 'caused by'} ${safeLines(one.code).join(' ')}`))
    lines.push(...errorLines(one))
  }
  lines.push('', 'data', ...safeLines(JSON.stringify(JSON.parse(message.json), null, 2)).map((line) => `  ${line}`))
  return lines
}

/** The stack begins with the message, unless it is of something that is no error. */
function errorLines({ message, stack, data }: ErrorRecord): string[] {
  const text = stack?.includes(message) ? stack : `${message}${stack === undefined ? '' : `\n${stack}`}`
  const facts = data === undefined ? [] : [`data: ${JSON.stringify(data)}`]
  return [...safeLines(text), ...facts.flatMap(safeLines)].map((line) => `  ${line.trimEnd()}`)
}

/** Lets held messages run again, and the lines behind them. */
export async function deskRelease(call: Call): Promise<number> {
  const ids = call.words.map(readId)
  if (ids.length === 0) throw new UsageError('ID is missing')
  const { out } = call
  return withApp(call, async ({ desk, running }) => {
    for (const id of ids) {
      await desk.release(id)
      if (out.json) out.object({ id, released: true })
      else out.line(`message ${id} is released${running ? '' : '; it is tried when the app starts'}`)
    }
    return 0
  })
}

function readId(text: string): number {
  const id = Number(text)
  if (/^\d+$/.test(text) && Number.isSafeInteger(id)) return id
  throw new UsageError(`ID is "${text}", but must be the number of a message at the desk`)
}
