// What people may not see does not leave the server: one function for the answers of every route.
import type { MessageType } from '../model/message.ts'
import { cleaned, mask, masked, secretsIn, touches } from '../model/secrets.ts'
import { typesOf } from '../operate/rows.ts'
import type { Part } from '../parts/part.ts'

/** Hides the secret fields of messages in an answer, and their values wherever else they stand in it. */
export type Hide = (answer: unknown) => unknown

type Facts = Readonly<Record<string, unknown>>

/** The fields of a row that name the type of its data, and those that have data. */
const named = ['type', 'command', 'what'] as const
const holds = ['json', 'data', 'original', 'reply', 'refusal', 'value', 'answer', 'result', 'before', 'after'] as const

/** What hides the secrets of an app: made with its first answer, since its parts stay as they are. */
const hides = new WeakMap<readonly Part[], Hide>()

export function hideIn(parts: readonly Part[]): Hide {
  const hide = hides.get(parts) ?? hideOf([...typesOf(parts).values()].map(({ type }) => type))
  hides.set(parts, hide)
  return hide
}

export function hideOf(types: Iterable<MessageType>): Hide {
  const secrets = new Map<string, readonly string[]>()
  for (const { name, secret } of types) if (secret.length > 0) secrets.set(name, secret)
  if (secrets.size === 0) return (answer) => answer
  /** Where a row does not say the type of its data, the secret fields of all types are hidden. */
  const all = [...new Set([...secrets.values()].flat())]

  /** The secret fields of the data that lie in a row. */
  const secretOf = (row: Facts): readonly string[] => {
    const message = row['message']
    const from = isObject(message) && typeof message['type'] === 'string' ? message : row
    const said = named.map((name) => from[name]).filter((name) => typeof name === 'string')
    return said.length === 0 ? all : said.flatMap((name) => secrets.get(name) ?? [])
  }

  const collect = (value: unknown, found: Set<string>): void => {
    if (Array.isArray(value)) for (const one of value) collect(one, found)
    if (!isObject(value)) return
    const secret = secretOf(value)
    for (const [name, one] of Object.entries(value)) {
      const data = parsed(name, one)
      if (isHeld(name)) for (const text of secretsIn(data, secret)) found.add(text)
      collect(data, found)
    }
  }

  const hidden = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(hidden)
    if (!isObject(value)) return value
    // One change of a change list: its value is data too.
    const { op, path } = value
    if (typeof op === 'string' && typeof path === 'string' && 'value' in value) {
      return all.some((one) => touches(path, one)) ? { ...value, value: mask } : value
    }
    const secret = secretOf(value)
    return Object.fromEntries(
      Object.entries(value).map(([name, one]) => {
        const inner = hiddenIn(name, one, hidden)
        return [name, isHeld(name) ? maskedAs(inner, secret) : inner]
      }),
    )
  }

  return (answer) => {
    // As it will be sent, so that nothing that only JSON shows is missed.
    const plain: unknown = answer === undefined ? undefined : JSON.parse(JSON.stringify(answer))
    const found = new Set<string>()
    collect(plain, found)
    const longestFirst = [...found].sort((a, b) => b.length - a.length)
    return cleaned(longestFirst, hidden(plain))
  }
}

const isHeld = (name: string) => (holds as readonly string[]).includes(name)

/** The data of a row: `json` is text. A text that is no JSON is itself. */
function parsed(name: string, value: unknown): unknown {
  if (name !== 'json' || typeof value !== 'string') return value
  try {
    return JSON.parse(value)
  } catch {
    return value
  }
}

/** What lies deeper: a message can carry another, as that of a failure does. */
function hiddenIn(name: string, value: unknown, hidden: (value: unknown) => unknown): unknown {
  const data = parsed(name, value)
  if (data === value) return hidden(value)
  const inner = hidden(data)
  const text = JSON.stringify(inner)
  return text === JSON.stringify(data) ? value : text
}

function maskedAs(value: unknown, secret: readonly string[]): unknown {
  if (typeof value === 'string' && isJson(value)) return masked(value, secret)
  if (typeof value === 'string') return secret.includes('') ? mask : value
  return value === undefined || value === null ? value : JSON.parse(masked(JSON.stringify(value), secret))
}

function isJson(text: string): boolean {
  try {
    return typeof JSON.parse(text) === 'object'
  } catch {
    return false
  }
}

const isObject = (value: unknown): value is Facts =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
