// Help for operators: what an error means and what to do, said by who wrote the app.
import type { ErrorRecord } from './error-record.ts'
import { fault } from './errors.ts'
import { checkWords, isTable, own } from './names.ts'
import { shownValue } from './people.ts'

/** Help for operators about an error. */
export interface Help {
  /** What it means and what to do, in words, 1 to 2,000 characters. */
  readonly text: string
  /** The page that says more, `http:` or `https:`, at most 2,000 characters. */
  readonly url?: string | undefined
}

/** Help by the code of an error or the name of a message type. */
export type HelpTable = Readonly<Record<string, Help>>

const charsMax = 2_000
const keyMax = 200

/**
 * Checks a table of help.
 *
 * @returns a copy that nobody changes
 * @throws `millrace/bad-option`
 */
export function checkHelp(where: string, table: unknown): HelpTable {
  if (table === undefined) return Object.freeze({})
  const shape = `${where}: help must be an object with { text, url } per error code or message type`
  if (!isTable(table)) throw fault('millrace/bad-option', shape)
  const entries = Object.entries(table).map(([key, help]) => {
    if (key === '' || key.length > keyMax) {
      throw fault('millrace/bad-option', `${where}: a key of help must have 1 to ${keyMax} characters`)
    }
    const at = `${where}: help of "${key}"`
    if (!isTable(help)) throw fault('millrace/bad-option', `${at} must be { text, url }, not ${shownValue(help)}`)
    const unknown = Object.keys(help).find((name) => name !== 'text' && name !== 'url')
    if (unknown !== undefined) throw fault('millrace/unknown-option', `${at} has "${unknown}", but takes text and url`)
    const text = checkWords(at, 'text', help['text'] ?? null, charsMax)!
    const url = help['url'] === undefined ? undefined : checkUrl(at, help['url'])
    return [key, Object.freeze(url === undefined ? { text } : { text, url })] as const
  })
  return Object.freeze(Object.fromEntries(entries))
}

/** A page shows it as a link: it leads to no script and no file. */
function checkUrl(at: string, url: unknown): string {
  const parsed = typeof url === 'string' && url.length <= charsMax ? URL.parse(url) : null
  if (parsed?.protocol === 'https:' || parsed?.protocol === 'http:') return url as string
  throw fault('millrace/bad-option', `${at}: url must begin with https:// or http://, not ${shownValue(url)}`)
}

/** The help about a failed message: that of its error, of its causes from the outside in, or of its type. */
export function helpFor(table: HelpTable, type: string, error: ErrorRecord | null): Help | null {
  return (error === null ? undefined : ofError(table, error)) ?? own(table, type) ?? null
}

function ofError(table: HelpTable, { code, name, cause, errors = [] }: ErrorRecord): Help | undefined {
  const said = own(table, code) ?? (name === undefined ? undefined : own(table, name))
  if (said !== undefined) return said
  for (const inner of cause === undefined ? errors : [cause, ...errors]) {
    const found = ofError(table, inner)
    if (found !== undefined) return found
  }
  return undefined
}

/** The help about an error of a group, which has its code and a part of its message: `CODE: message`. */
export function helpForGroup(table: HelpTable, error: string): Help | undefined {
  const codes = Object.keys(table).filter((code) => error === code || error.startsWith(`${code}: `))
  const [longest] = codes.sort((a, b) => b.length - a.length)
  return longest === undefined ? undefined : own(table, longest)
}
