// Shows everything about one message at the desk.
import { type AuditRow, type DeskItem, type ErrorRecord, MillraceError } from '../../index.ts'
import { type Call, commandFor, type Reached, takeWords, withApp } from '../call.ts'
import { changeLines, changesOf } from '../changes.ts'
import { messageAtDesk, readId } from '../each.ts'
import type { Output } from '../output.ts'
import { count, duration, facts, moment, safe, safeJson, safeLines, wrap } from '../print.ts'
import { auditObject, lineText, listed, whyOf } from './desk.ts'

/** Shows one message; or only its data, to correct and pass to `desk resubmit`. */
export async function deskShow(call: Call, { data = false }: { readonly data?: boolean | undefined }): Promise<number> {
  const [text] = takeWords(call, ['ID'], 1)
  const id = readId(text!, messageAtDesk)
  const { out } = call
  return withApp(call, async ({ desk, running }) => {
    const item = await desk.show(id)
    if (item === undefined) throw new MillraceError('millrace/unknown-item', `there is no message ${id} at the desk`)
    if (data) await out.line(safeJson(out.json ? item.message.json : pretty(item.message.json)))
    else if (out.json) await out.object(shownObject(item))
    else await out.lines([...shownLines(item, { running }, out), ...nextLines(item, call)])
    return 0
  })
}

function shownObject(item: DeskItem) {
  const { message, error, kills, corrections, original, tries, pending, cause, line, history, resolvedAt } = item
  const data: unknown = JSON.parse(message.json)
  const published: unknown = original === null ? undefined : JSON.parse(original)
  const asked =
    pending === null ? undefined : { ...pending.action, by: pending.by, at: time(pending.at), reason: pending.reason }
  return {
    ...listed(item),
    error,
    deaths: kills,
    source: message.source,
    time: time(message.time),
    version: message.version,
    position: message.position,
    causationId: message.causationId,
    ...(message.attributes === null ? {} : { attributes: message.attributes }),
    cause,
    corrections,
    resolvedAt: resolvedAt === null ? null : time(resolvedAt),
    data,
    ...(original === null ? {} : { original: published, changes: changesOf(published, data) }),
    ...(asked === undefined ? {} : { pendingAction: asked }),
    tries: tries.map(({ at, ...one }) => ({ at: time(at), ...one })),
    line: line.map(({ id }) => id),
    history: history.map(auditObject),
  }
}

export const time = (ms: number) => new Date(ms).toISOString()

function shownLines(item: DeskItem, { running }: Pick<Reached, 'running'>, out: Output): string[] {
  const { id, processor, state, message, error, tries, history, original, help } = item
  const title = (text: string) => ['', out.colour('bold', text)]
  const lines = [
    `${out.colour('bold', `message ${id}`)} at the desk of processor ${safe(processor)}: ${state}`,
    ...facts(factsOf(item, { running }), out.columns),
  ]
  if (help !== null) {
    lines.push(...title('help'), ...wrap(safe(help.text), out.columns - 2).map((line) => `  ${line}`))
    if (help.url !== undefined) lines.push(`  ${safe(help.url)}`)
  }
  lines.push(...errorLines(error, out))
  if (tries.length > 0) {
    lines.push(...title('failed attempts'))
    lines.push(
      ...facts(
        tries.map(({ at, code, message, version }) => [moment(at), `${code}: ${message}${underText(version)}`]),
        out.columns,
      ),
    )
  }
  if (history.length > 0) {
    lines.push(...title('history'))
    lines.push(
      ...facts(
        history.map((row) => [moment(row.at), historyText(row)]),
        out.columns,
      ),
    )
  }
  if (original !== null) {
    lines.push(...title('changed since it was published'))
    const changes = changesOf(JSON.parse(original), JSON.parse(message.json))
    lines.push(...(changes.length === 0 ? ['  nothing'] : changeLines(changes).map((line) => `  ${line}`)))
    lines.push(...title('data as published'), ...dataLines(original))
  }
  lines.push(...title('data'), ...dataLines(message.json))
  return lines
}

function factsOf(item: DeskItem, { running }: Pick<Reached, 'running'>): (readonly [string, string | undefined])[] {
  const { message, attempts, kills, heldAt, resolvedAt, corrections, cause, claim, owner } = item
  const { causationId } = message
  const from = cause === null ? '' : ` (${cause.type} on ${cause.destination})`
  return [
    ['type', `${message.type}${message.version === 1 ? '' : `, version ${message.version}`}`],
    ['id', message.id],
    ['context', message.context ?? 'none'],
    ['flow', message.correlationId],
    ['caused by', causationId === null ? undefined : `${causationId}${from}`],
    ['published', `${time(message.time)} by ${message.source}`],
    ['attributes', attributesText(item)],
    ['here since', `${time(heldAt)} (${duration(Date.now() - heldAt)})`],
    ['resolved', resolvedAt === null ? undefined : time(resolvedAt)],
    ['attempts', String(attempts)],
    ['corrected', corrections === 0 ? undefined : count(corrections, 'time')],
    ['deaths', kills === 0 ? undefined : `${count(kills, 'process', 'processes')} died while it ran alone`],
    ['waiting', waitingText(item)],
    ['owner', owner ?? undefined],
    ['claimed', claim === null ? undefined : `by ${claim.by} until ${time(claim.until)}`],
    ['asked for', pendingText(item, { running })],
  ]
}

/** The steps that a person can take next, each as a command. */
function nextLines({ id, state, behind, pending }: DeskItem, call: Call): string[] {
  const command = (name: string, of: number, more = '') => commandFor(call, `desk ${name}`, `${of}${more}`)
  const steps: (readonly [string, string])[] = []
  if (pending === null && state === 'held') {
    steps.push(['try it again', command('release', id)])
    steps.push(['correct it', `${command('show', id, ' --data')} > data.json`])
    steps.push(['', command('resubmit', id, ' --data-file data.json --reason WHY')])
    steps.push(['give it up', command('discard', id, ' --reason WHY')])
  }
  if (state === 'line' && behind !== null) steps.push(['see the first', command('show', behind)])
  if (pending === null && state === 'discarded') steps.push(['take it back', command('take-back', id)])
  const width = Math.max(0, ...steps.map(([what]) => what.length))
  return steps.length === 0 ? [] : ['', 'next', ...steps.map(([what, text]) => `  ${what.padEnd(width)}  ${text}`)]
}

function attributesText({ message: { attributes } }: DeskItem): string | undefined {
  const all = Object.entries(attributes ?? {})
  return all.length === 0 ? undefined : all.map(([name, value]) => `${name}=${value}`).join(', ')
}

function waitingText({ waiting, line }: DeskItem): string {
  if (waiting === 0) return 'none behind it'
  const ids = line.map(({ id }) => id).join(', ')
  return `${lineText(waiting)} behind it${ids === '' ? '' : `: ${ids}${waiting > line.length ? ', …' : ''}`}`
}

function pendingText({ pending }: DeskItem, { running }: Pick<Reached, 'running'>): string | undefined {
  if (pending === null) return undefined
  const why = pending.reason === undefined ? '' : ` (${pending.reason})`
  return `${pending.action.do} by ${pending.by} at ${time(pending.at)}${why}${running ? '' : '; done when the app starts'}`
}

function historyText({ action, by, reason, detail }: AuditRow): string {
  const why = reason ?? whyOf(action, detail)
  const { version } = (detail ?? {}) as { readonly version?: string | undefined }
  return `${action} by ${by}${why === '-' ? '' : `: ${why}`}${underText(version)}`
}

/** The version of the app under which something happened. */
const underText = (version: string | undefined) => (version === undefined ? '' : ` (under version ${version})`)

/** Formats an error and its causes. */
export function errorLines(error: ErrorRecord | null, out: Output): string[] {
  return error === null ? [] : recordLines('error', error, out)
}

function recordLines(what: string, error: ErrorRecord, out: Output): string[] {
  const { errors = [], cause } = error
  const lines = ['', out.colour('red', `${what} ${safe(error.code)}`), ...linesOf(error)]
  for (const one of errors) lines.push(...recordLines(`one of the errors of ${safe(error.code)}:`, one, out))
  if (cause !== undefined) lines.push(...recordLines('caused by', cause, out))
  return lines
}

/** The codes of errors that are raised on purpose; their stack is of no use. */
const words = /^(refused|millrace\/(flow-.*|step-.*|request-.*|subflow-failed))$/

/** Formats one error. The stack begins with the message, unless a non-error was thrown. */
function linesOf({ code, message, stack: where, data }: ErrorRecord): string[] {
  const stack = words.test(code) ? undefined : where
  const text = stack?.includes(message) ? stack : `${message}${stack === undefined ? '' : `\n${stack}`}`
  const more = data === undefined ? [] : [`data: ${JSON.stringify(data)}`]
  return [...safeLines(text), ...more.flatMap(safeLines)].map((line) => `  ${line.trimEnd()}`)
}

export function dataLines(json: string): string[] {
  return safeLines(pretty(json)).map((line) => `  ${line}`)
}

export function pretty(json: string): string {
  return JSON.stringify(JSON.parse(json), null, 2)
}
