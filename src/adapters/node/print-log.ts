// The log of an app that gives no `log` of its own: one line to standard error for each warning and error.
import { forPeople, readFields } from '../../model/people.ts'
import type { World } from '../../seam/world.ts'

/** Characters of a line; the rest is left out and counted. */
const lineCharsMax = 4_000

export const printLog: World['log'] = (level, text, fields) => {
  if (level !== 'info') process.stderr.write(`${logLine(new Date(), level, text, fields)}\n`)
}

/** A line for people: its time, one line whatever the text of an error has in it, bounded. */
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
  // Not half a character at the end.
  const shown = line.slice(0, lineCharsMax).replace(/[\uD800-\uDBFF]$/, '')
  return `${shown}… (${line.length - shown.length} more characters)`
}
