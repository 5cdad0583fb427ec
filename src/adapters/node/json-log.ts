// The log as lines of JSON, for programs that collect them.

import { recordError } from '../../model/errors.ts'
import { isError } from '../../model/kinds.ts'
import { forPeople, readFields } from '../../model/people.ts'
import type { World } from '../../seam/world.ts'

/** The most characters of the JSON of one field; a longer one becomes a text that is cut. */
const fieldCharsMax = 4_000
const reserved = ['time', 'level', 'message']

/**
 * Writes each line of the log as one object of JSON on standard error, of every level: `time` (ISO 8601), `level`
 * (`info`, `warn`, `error`), `message`, and the fields. A field of one of these names has a `_` behind it. A field of
 * more than 4,000 characters is cut. `millrace start --log json` sets it.
 *
 * @param level `info`, `warn` or `error`
 * @param text the line, for operators
 * @param fields facts beside it
 *
 * @example
 * ```ts
 * const letterShop = app({ name: 'letters', log: jsonLog, broker: sqlite({ file: 'letters.db' }), parts: [Letters, letters] })
 * ```
 */
export function jsonLog(...[level, text, fields]: Parameters<World['log']>): void {
  process.stderr.write(`${jsonLine(new Date(), level, text, fields)}\n`)
}

/** Formats a line as JSON, whatever its fields are. */
export function jsonLine(time: Date, ...[level, text, fields]: Parameters<World['log']>): string {
  const line: Record<string, unknown> = { time: time.toISOString(), level, message: forPeople(text, fieldCharsMax) }
  for (const [name, value] of Object.entries(readFields(fields))) {
    line[reserved.includes(name) ? `${name}_` : name] = plain(value)
  }
  return JSON.stringify(line)
}

function plain(value: unknown): unknown {
  try {
    const json = JSON.stringify(value, (_name, one: unknown) => {
      if (isError(one)) return recordError(one)
      return typeof one === 'bigint' ? String(one) : one
    })
    if (json === undefined || json.length <= fieldCharsMax) return json === undefined ? undefined : JSON.parse(json)
  } catch {
    // A circle, or a getter that throws.
  }
  return forPeople(value, fieldCharsMax)
}
