// The text of a test that is made of a message at the desk.
import type { DeskEntry } from '../model/desk.ts'
import type { ErrorRecord } from '../model/error-record.ts'

/** A statement, and what the database answered. */
export interface AnswerTold {
  readonly text: string
  readonly values: readonly unknown[]
  readonly rows: readonly object[]
  readonly error: ErrorRecord | null
}

export interface TestTold {
  readonly entry: DeskEntry
  /** Its data of today, without secrets. */
  readonly json: string
  /** Undefined where none were recorded. */
  readonly answers: readonly AnswerTold[] | undefined
  /** The path of the app file, in an import. */
  readonly app: string
}

export function testText({ entry, json, answers, app }: TestTold): string {
  const { id, processor, message, error, tries } = entry
  const last = tries.at(-1)
  const at = last === undefined ? '' : ` at ${new Date(last.at).toISOString()}`
  const version = last?.version === undefined ? '' : `, version ${last.version}`
  const about = `Message ${id} at the desk: ${processor} failed at ${message.type}${at}${version}`
  const said = error === null ? [] : [`  ${error.message}`]
  const envelope = { id: message.id, time: message.time, correlationId: message.correlationId }
  const now = last === undefined ? '' : `, now: ${last.at}`
  return `${comment([`${about}:`, ...said, 'This test fails as the message did, and passes once it is handled.'])}
import test from 'node:test'
${answers === undefined ? '' : "import { isDeepStrictEqual } from 'node:util'\n"}import type { Processor } from ${literal(pkg)}
import { given } from ${literal(`${pkg}/testing`)}
import app from ${literal(app)}

const data = ${indented(json)}
${answers === undefined ? unanswered : answered(answers)}
test(${literal(`${processor} handles message ${id}: ${message.type} ${message.context ?? ''}`.trim())}, async () => {
  const part = app.parts.find((one): one is Processor => one.kind === 'processor' && one.name === ${literal(processor)})!
  const type = part.on.types.find(({ name }) => name === ${literal(message.type)})!
  await given(part, { query${now} })
    .when(type, data as never, ${literal(envelope)})
    .then({})
})
`
}

const pkg = 'millrace'

const unanswered = `
/** No answers were recorded: say \`trial: true\` for the processor and make this file again, or return the rows here. */
const query = (_text: string, _values: readonly unknown[]): readonly object[] => []
`

function answered(answers: readonly AnswerTold[]): string {
  const lines = answers.map(({ text, values, rows, error }) => {
    const fails = error === null ? {} : { fails: { code: error.code, message: error.message } }
    return `  ${literal({ text, values, rows, ...fails })},\n`
  })
  return `
/** The statements that it ran, and what the database answered to each. */
const answers: { text: string; values: unknown[]; rows: object[]; fails?: { code: string; message: string } }[] = [
${lines.join('')}]

/** Answers the next statement of the same text, with the same values where there is one. */
function query(text: string, values: readonly unknown[]): readonly object[] {
  const same = answers.filter((one) => one.text === text)
  const answer = same.find((one) => isDeepStrictEqual(one.values, values)) ?? same[0]
  if (answer === undefined) return []
  if (same.length > 1) answers.splice(answers.indexOf(answer), 1)
  if (answer.fails !== undefined) throw Object.assign(new Error(answer.fails.message), answer.fails)
  return answer.rows
}
`
}

/** Lines of a comment: nothing in them ends it. */
const comment = (lines: readonly string[]): string =>
  lines
    .join('\n')
    .split(/[\n\r\u2028\u2029]+/)
    .slice(0, 20)
    .map((line) => `// ${line.slice(0, 1_000)}`)
    .join('\n')

function indented(json: string): string {
  try {
    return safely(JSON.stringify(JSON.parse(json), null, 2))
  } catch {
    return literal(json)
  }
}

/** A value as code. */
function literal(value: unknown): string {
  if (typeof value === 'bigint') return `${value}n`
  if (value instanceof Uint8Array) return `new Uint8Array([${value.join(', ')}])`
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`
  if (typeof value === 'string') return quoted(value)
  if (typeof value !== 'object' || value === null) return String(value)
  const fields = Object.entries(value).map(
    ([name, one]) => `${/^[a-z]\w*$/i.test(name) ? name : quoted(name)}: ${literal(one)}`,
  )
  return `{ ${fields.join(', ')} }`
}

const quoted = (text: string): string =>
  /^[^'"\\\p{C}\u2028\u2029]*$/u.test(text) ? `'${text}'` : safely(JSON.stringify(text))

/** Without characters that an editor does not show, or by which it shows the others in another order. */
const safely = (json: string): string =>
  json.replace(/[\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g, escaped)

const escaped = (char: string): string => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`
