// Trials for people: what a trial of the engine tells, without secrets and in bounds.
import type { Answered } from '../engine/desk/trial-statements.ts'
import type { Tried } from '../engine/desk/trials.ts'
import { checkChangeList } from '../model/change.ts'
import { decode, type Stored } from '../model/codec.ts'
import { type Actor, type Change, checkActor, type DeskEntry, type Resubmit } from '../model/desk.ts'
import type { DeskTrial, TrialMessage, TrialStatement } from '../model/desk-trials.ts'
import { fault, isMillraceError, recordError } from '../model/errors.ts'
import type { MessageType } from '../model/message.ts'
import { isRefused } from '../model/refused.ts'
import { cleaned, fieldsWithout, mask, masked, secretsOf, textWithout } from '../model/secrets.ts'
import type { Part } from '../parts/part.ts'
import type { DeskReads } from '../seam/desk-reads.ts'
import type { OperationReads } from '../seam/operations.ts'
import type { DeskTest, DeskTrials, TryOptions } from './desk-trials.ts'
import { typesOf } from './rows.ts'
import { testText } from './test-file.ts'

export interface TrialsBackend {
  look<T>(read: (desk: DeskReads, operations: OperationReads) => Promise<T>): Promise<T>
  try(item: number, edit: Resubmit | Change | undefined, actor: Actor): Promise<Tried>
}

const messagesMax = 100
const bytesMax = 1_000_000
const textMax = 1_000

export function trialsOn(backend: () => TrialsBackend, us: Actor, parts: readonly Part[]): DeskTrials {
  const actorOf = (where: string, { by = us.by, reason }: Partial<Actor>) => checkActor(where, { by, reason })
  return {
    try: async (id, options = {}) => trialOf(await backend().try(id, editOf(options), actorOf('try', options))),
    test: async (id, options = {}) => {
      const entry = await backend().look((desk) => desk.item(id, { line: 0, history: 0 }))
      if (entry === undefined) throw fault('millrace/unknown-item', `there is no message ${id} at the desk`)
      const part = parts.find((one) => one.kind === 'processor' && one.name === entry.processor)
      if (part === undefined) throw fault('millrace/no-test', `"${entry.processor}" is no processor of its own`)
      const tried = await triedWhereItMay(() => backend().try(id, undefined, actorOf('test', options)))
      return testOf(entry, tried, { parts, app: options.app ?? './app.ts' })
    },
  }
}

/** @throws `millrace/bad-option` */
function editOf({ data, change }: TryOptions): Resubmit | Change | undefined {
  if (data !== undefined && change !== undefined) {
    throw fault('millrace/bad-option', 'desk.try: give data or change, not both')
  }
  if (change !== undefined) return { do: 'change', change: checkChangeList('desk.try', change), note: 'try' }
  return data === undefined ? undefined : { do: 'resubmit', data, note: 'try' }
}

/** Undefined where the processor, or the state of the message, allows no trial. */
async function triedWhereItMay(trial: () => Promise<Tried>): Promise<Tried | undefined> {
  try {
    return await trial()
  } catch (error) {
    if (isMillraceError(error, 'millrace/no-trial') || isMillraceError(error, 'millrace/not-held')) return undefined
    throw error
  }
}

function trialOf({ entry, owner, left, error, statements, tookMs }: Tried): DeskTrial {
  const { message } = entry
  const { destination, declared } = owner.spec
  const known = new Map([...destination.types, ...declared].map((type) => [type.name, type]))
  const outgoing = left?.outgoing ?? []
  const secrets = secretsIn([message, ...outgoing], known)
  const type = known.get(message.type)
  return {
    item: entry.id,
    revision: entry.revision,
    processor: entry.processor,
    type: message.type,
    outcome: left !== undefined ? 'handled' : isRefused(error) ? 'refused' : 'failed',
    error: left !== undefined ? null : fieldsWithout(secrets, recordError(error)),
    reply: type?.kind === 'command' ? cleaned(secrets, left?.reply ?? null) : null,
    messages: messagesOf(outgoing, known, secrets),
    cancelled: left?.cancelled ?? [],
    statements: statements.listed.map((one) => statementOf(one, secrets)),
    counts: { messages: outgoing.length, statements: statements.count },
    tookMs,
  }
}

/** The texts that no one may see, of all messages of a trial; the longest comes first. */
function secretsIn(messages: readonly Stored[], known: ReadonlyMap<string, MessageType>): readonly string[] {
  const texts = new Set(messages.flatMap((message) => secretsOf(known.get(message.type), message)))
  return [...texts].sort((a, b) => b.length - a.length)
}

function messagesOf(
  outgoing: readonly Stored[],
  known: ReadonlyMap<string, MessageType>,
  secrets: readonly string[],
): TrialMessage[] {
  let bytes = 0
  return outgoing.slice(0, messagesMax).map(({ type, id, ownId, context, due, json }) => {
    const { kind, secret } = known.get(type)!
    bytes += json.length
    const data: unknown = bytes > bytesMax ? null : cleaned(secrets, JSON.parse(masked(json, secret)))
    return { kind, type, id: ownId ? id : null, context, due: due > 0 ? due : null, data }
  })
}

function statementOf({ where, text, values, rows, changed, error }: Answered, secrets: readonly string[]) {
  return {
    where,
    text: textWithout(secrets, text),
    values: values.map((value) => shown(value, secrets)),
    rows: rows.length,
    changed,
    error: error === null ? null : textWithout(secrets, error.message),
  } satisfies TrialStatement
}

function shown(value: unknown, secrets: readonly string[]): TrialStatement['values'][number] {
  if (value === null || typeof value === 'boolean') return value
  if (typeof value === 'number') return secrets.includes(String(value)) ? mask : value
  if (ArrayBuffer.isView(value)) return `${value.byteLength} bytes`
  const text = textWithout(secrets, String(value))
  return text.length > textMax ? `${text.slice(0, textMax)}…` : text
}

interface TestOf {
  readonly parts: readonly Part[]
  readonly app: string
}

function testOf(entry: DeskEntry, tried: Tried | undefined, { parts, app }: TestOf): DeskTest {
  const { id, processor, message } = entry
  const type = typesOf(parts).get(message.type)?.type
  const secrets = secretsOf(type, message)
  const json = masked(currentJson(type, message), type?.secret ?? [])
  const answers = tried?.statements.listed.map((one) => ({
    text: textWithout(secrets, one.text),
    values: one.values.map((value) => withoutSecrets(value, secrets)),
    rows: one.rows.map((row) => withoutSecrets(row, secrets) as object),
    error: one.error,
  }))
  const error = entry.error && fieldsWithout(secrets, entry.error)
  const text = testText({ entry: { ...entry, error }, json, answers, app })
  return { name: `${processor}-${id}.test.ts`, text, answers: answers !== undefined }
}

/** The data in the shape of today, where they can be read. */
function currentJson(type: MessageType | undefined, message: Stored): string {
  if (type === undefined || message.version === type.version) return message.json
  try {
    return JSON.stringify(decode(type, message).data)
  } catch {
    return message.json
  }
}

/** A value of the database without certain texts; bytes and large integers stay what they are. */
function withoutSecrets(value: unknown, secrets: readonly string[]): unknown {
  if (typeof value === 'bigint') return secrets.includes(String(value)) ? mask : value
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return cleaned(secrets, value)
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, withoutSecrets(one, secrets)]))
}
