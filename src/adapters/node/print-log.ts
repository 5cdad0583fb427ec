// The log of an app without a `log` option: one line on standard error for each warning and error.
import { forPeople, readFields } from '../../model/people.ts'
import type { World } from '../../seam/world.ts'

/** The most characters of a line; the rest is cut and counted. */
const lineCharsMax = 4_000

export const printLog: World['log'] = (level, text, fields) => {
  if (level !== 'info') process.stderr.write(`${logLine(new Date(), level, text, fields)}\n`)
}

/** Formats a line for people, with its time. It is one bounded line for any text of an error. */
export function logLine(
  time: Date,
  level: string,
  text: string,
  fields: Readonly<Record<string, unknown>> = {},
): string {
  const { error, ...rest } = readFields(fields)
  const details = Object.entries(error === undefined ? rest : { error, ...rest })
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${forPeople(value)}`)
  const line = `millrace ${level}: ${forPeople(text, Number.POSITIVE_INFINITY)}${details.length === 0 ? '' : ` (${details.join(', ')})`}`
  return `${time.toISOString()} ${bounded(line).replace(/[\p{Cc}\u2028\u2029]+/gu, ' ')}`
}

function bounded(line: string): string {
  if (line.length <= lineCharsMax) return line
  // Do not cut a character in half at the end.
  const shown = line.slice(0, lineCharsMax).replace(/[\uD800-\uDBFF]$/, '')
  return `${shown}… (${line.length - shown.length} more characters)`
}
