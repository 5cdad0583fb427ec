// The secret fields of data: how they are named, and how they are hidden from people.
//
// A path is a JSON Pointer (RFC 6901) into the data. `*` stands for each element of a list and each field of an object. A
// field's name that meets a list goes into each of its elements: a field that has become a list stays secret. What
// cannot be read is hidden whole.
import { recordError } from './error-record.ts'
import { fault } from './errors.ts'
import { isError } from './kinds.ts'
import { mask, stepsOf, under } from './mask.ts'

export { mask, masked } from './mask.ts'

const pathsMax = 100
const pathCharsMax = 1_000
/** Shorter texts are not looked for in log lines: they would be found everywhere. */
const textCharsMin = 3

/**
 * Checks the paths of secret fields.
 *
 * @returns them, frozen
 * @throws `millrace/bad-option`
 */
export function checkSecret(where: string, secret: unknown = []): readonly string[] {
  const bad = (what: string) => fault('millrace/bad-option', `${where}: ${what}`)
  if (!Array.isArray(secret)) throw bad("secret must be a list of JSON Pointers, such as ['/card/number']")
  if (secret.length > pathsMax) throw bad(`secret has ${secret.length} entries, but may have at most ${pathsMax}`)
  for (const path of secret as readonly unknown[]) {
    const shown = `secret has ${typeof path === 'string' ? JSON.stringify(path.slice(0, 100)) : String(path)}`
    if (typeof path !== 'string') throw bad(`${shown}, which is no text`)
    if (path.length > pathCharsMax) throw bad(`${shown}, which has more than ${pathCharsMax} characters`)
    if (path === '') continue
    const steps = path.replace(/^\//, '').split(/[/.]/)
    if (!path.startsWith('/')) throw bad(`${shown}, which is no JSON Pointer; did you mean "/${steps.join('/')}"?`)
    if (path.split('/').slice(1).includes('')) throw bad(`${shown}, which names a field without a name; "" is all data`)
    if (/~(?![01])/.test(path)) throw bad(`${shown}, where "~" must be "~0", and "/" in a name "~1"`)
  }
  return Object.freeze([...(secret as string[])])
}

/** The texts and numbers in the secret fields of data: what must not stand in a line of log. The longest comes first. */
export function secretsIn(data: unknown, secret: readonly string[]): readonly string[] {
  const found = new Set<string>()
  const take = (value: unknown): void => {
    if (typeof value === 'object' && value !== null) for (const inner of Object.values(value)) take(inner)
    else if (typeof value === 'string' || typeof value === 'number') {
      const text = String(value)
      for (const shown of [text, JSON.stringify(text).slice(1, -1)]) if (shown.length >= textCharsMin) found.add(shown)
    }
  }
  for (const path of secret) visit(data, stepsOf(path), 0, take)
  return [...found].sort(longestFirst)
}

/**
 * Whether a place in data is a secret, lies in one, or has one within. A step that may be one into a list is taken for that.
 *
 * @param path a JSON Pointer into data
 * @param secret the path of a secret field
 */
export function touches(path: string, secret: string): boolean {
  return meets(stepsOf(path), stepsOf(secret))
}

function meets([step, ...deeper]: readonly string[], secret: readonly string[]): boolean {
  const [name, ...within] = secret
  if (step === undefined || name === undefined) return true
  if ((name === '*' || name === step) && meets(deeper, within)) return true
  return /^(?:\d+|-)$/.test(step) && name !== '*' && meets(deeper, secret)
}

interface Typed {
  readonly secret: readonly string[]
}

interface Stored {
  readonly json: string
  readonly decoded: unknown
}

/** The same of a message of a type, in its data as they are stored and as handlers get them. */
export function secretsOf(type: Typed | undefined, { json, decoded }: Stored): readonly string[] {
  if (type === undefined || type.secret.length === 0) return none
  const texts = [...secretsIn((decoded as { data?: unknown } | undefined)?.data, type.secret)]
  try {
    texts.push(...secretsIn(JSON.parse(json), type.secret))
  } catch {
    // Stored data that are no JSON have no fields.
  }
  return texts.sort(longestFirst)
}

const none: readonly string[] = []
const longestFirst = (a: string, b: string) => b.length - a.length

/** The fields of a line of log without certain texts. */
export function fieldsWithout<T extends object>(secrets: readonly string[], fields: T): T {
  if (secrets.length === 0) return fields
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, without(secrets, value)])) as T
}

/** A value as JSON has it, without certain texts. What is no JSON is hidden whole. */
function without(secrets: readonly string[], value: unknown): unknown {
  try {
    const json = JSON.stringify(value, (_name, one) => (isError(one) ? recordError(one) : one))
    return json === undefined ? value : cleaned(secrets, JSON.parse(json))
  } catch {
    return mask
  }
}

/** A text without certain texts. */
export function textWithout(secrets: readonly string[], text: string): string {
  return secrets.reduce((left, secret) => left.replaceAll(secret, mask), text)
}

/** A value of JSON without certain texts. */
export function cleaned(secrets: readonly string[], value: unknown): unknown {
  if (typeof value === 'string') return textWithout(secrets, value)
  if (typeof value === 'number') return secrets.includes(String(value)) ? mask : value
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map((one) => cleaned(secrets, one))
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => [textWithout(secrets, name), cleaned(secrets, one)]),
  )
}

/** Calls `take` with each value at the end of a path. */
function visit(value: unknown, steps: readonly string[], at: number, take: (value: unknown) => void): void {
  if (at === steps.length) take(value)
  else if (typeof value === 'object' && value !== null) {
    for (const [name, next] of under(value, steps, at)) {
      visit((value as Record<string, unknown>)[name], steps, next, take)
    }
  }
}
