// Trials of held messages, and tests made of them.
import { existsSync, statSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, relative, resolve, sep } from 'node:path'
import type { ChangeList, DeskTrial } from '../../index.ts'
import { type ActorWords, actorOf } from '../actor.ts'
import { type Call, commandFor, takeWords, withApp } from '../call.ts'
import { messageAtDesk, readId } from '../each.ts'
import { readList } from '../json-file.ts'
import { UsageError } from '../output.ts'
import { safe, safeJson, safeLines } from '../print.ts'
import { type DataWords, readData } from './data-words.ts'

export interface TryWords extends DataWords, ActorWords {
  readonly change?: string | undefined
}

/** Tries a message; exit code 1 where it would not be handled. */
export async function deskTry(call: Call, words: TryWords): Promise<number> {
  const [text] = takeWords(call, ['ID'], 1)
  const id = readId(text!, messageAtDesk)
  const actor = actorOf(words)
  const edit = await editOf(words)
  const { out } = call
  return withApp(call, async ({ desk }) => {
    const trial = await desk.try(id, { ...actor, ...edit })
    if (out.json) await out.object(trial)
    else await out.lines(linesOf(trial))
    return trial.outcome === 'handled' ? 0 : 1
  })
}

async function editOf({ change, ...data }: TryWords): Promise<{ data?: unknown; change?: ChangeList }> {
  const hasData = data.data !== undefined || data.dataFile !== undefined
  if (change !== undefined && hasData) throw new UsageError('--change does not go with --data')
  if (change !== undefined) return { change: readList('--change', change) as ChangeList }
  return hasData ? { data: await readData(data) } : {}
}

function* linesOf(trial: DeskTrial): Generator<string> {
  const { item, processor, outcome, error, reply, messages, cancelled, statements, counts } = trial
  const by = safe(processor)
  if (outcome === 'handled') yield `message ${item} would be handled by ${by}; everything was taken back`
  else
    yield `message ${item} would ${outcome === 'refused' ? 'be refused by' : 'fail at'} ${by}: ${safe(error!.message)}`
  for (const { where, text, values, rows, changed, error: failed } of statements) {
    const end = failed === null ? `${rows} read, ${changed} changed` : safe(failed)
    yield `  ${where === 'read' ? 'reads' : 'runs'} ${safe(text)}`
    yield `    ${values.length === 0 ? '' : `with ${safeJson(JSON.stringify(values))}: `}${end}`
  }
  if (counts.statements > statements.length) yield `  and ${counts.statements - statements.length} statements more`
  for (const { kind, type, context, due, data } of messages) {
    const when = due === null ? '' : ` at ${new Date(due).toISOString()}`
    yield `  would ${kind === 'event' ? 'publish' : 'send'} ${safe(type)} ${safe(context ?? '')}${when}`.trimEnd()
    yield `    ${safeJson(JSON.stringify(data))}`
  }
  if (counts.messages > messages.length) yield `  and ${counts.messages - messages.length} messages more`
  for (const { type, id } of cancelled) yield `  would take back ${safe(type)} ${safe(id)}`
  if (reply !== null) yield `  would reply ${safeJson(JSON.stringify(reply))}`
}

export interface TestWords extends ActorWords {
  readonly to?: string | undefined
}

/** Makes a test of a message: to standard output, or to a file. */
export async function deskTest(call: Call, words: TestWords): Promise<number> {
  const [text] = takeWords(call, ['ID'], 1)
  const id = readId(text!, messageAtDesk)
  const actor = actorOf(words)
  const { out, appFile } = call
  const { to } = words
  const isFolder = to !== undefined && (to.endsWith('/') || (existsSync(to) && statSync(to).isDirectory()))
  const folder = to === undefined ? '.' : isFolder ? to : dirname(to)
  if (!existsSync(folder)) throw new UsageError(`--to: there is no folder ${folder}`)
  return withApp(call, async ({ desk }) => {
    const app = appFile === undefined ? undefined : importOf(folder, appFile)
    const made = await desk.test(id, { ...actor, app })
    const path = to === undefined ? undefined : isFolder ? join(to, basename(made.name)) : to
    if (path !== undefined) {
      try {
        writeFileSync(path, made.text, { flag: 'wx' })
      } catch (error) {
        throw new UsageError(`--to cannot be written: ${(error as Error).message}`)
      }
    }
    if (out.json) await out.object({ ...made, path: path ?? null })
    else if (path === undefined) await out.lines(safeLines(made.text))
    else await out.line(`message ${id} is a test now: ${safe(path)}`)
    if (!made.answers)
      out.note(
        `it has no answers of the database: the message was not tried; see ${commandFor(call, 'desk try', String(id))}`,
      )
    return 0
  })
}

/** The path of the app file in an import of a file in a folder. */
function importOf(folder: string, appFile: string): string {
  const path = relative(resolve(folder), resolve(appFile)).split(sep).join('/')
  return path.startsWith('.') ? path : `./${path}`
}
