// A mask never becomes data: somebody who was shown `***` in place of a secret, and sends the document back, would
// overwrite the secret.
//
// Refused are the mask at the path of a secret; and, where the stored data have the text of a secret elsewhere too, so
// that it was hidden there as well, every text with a mask. A text that is stored at the same place is no new mask.
import { fault } from './errors.ts'
import { mask, masked, stepsOf, under } from './mask.ts'
import { cleaned, secretsIn } from './secrets.ts'

interface Typed {
  readonly name: string
  readonly secret: readonly string[]
}

/**
 * Checks data that take the place of stored data.
 *
 * @param before the stored data, as JSON
 * @throws `millrace/masked`
 */
export function checkUnmasked({ name, secret }: Typed, before: string, data: unknown): void {
  if (secret.length === 0) return
  const json = jsonOf(data)
  if (json === undefined || !json.includes(mask)) return
  const plain: unknown = JSON.parse(json)
  const stored = textsIn(parsed(before))
  const secrets = new Set(secret.flatMap((path) => pointersOf(plain, stepsOf(path))))
  const spreads = isElsewhere(before, secret)
  for (const [at, text] of textsIn(plain)) {
    if (stored.get(at) === text) continue
    if (secrets.has(at) ? text !== mask : !spreads || !text.includes(mask)) continue
    const what = `the data of "${name}" have ${mask} at "${at}", which stands for a secret that was hidden`
    throw fault('millrace/masked', `${what}; a change list (desk.change) says only what is different`)
  }
}

/** Whether the text of a secret is also where no path of a secret leads. */
function isElsewhere(json: string, secret: readonly string[]): boolean {
  const open = parsed(masked(json, secret))
  return JSON.stringify(cleaned(secretsIn(parsed(json), secret), open)) !== JSON.stringify(open)
}

/** The places to which a path leads, as JSON Pointers. */
function pointersOf(value: unknown, steps: readonly string[], at = 0, pointer = ''): string[] {
  if (at === steps.length) return [pointer]
  if (typeof value !== 'object' || value === null) return []
  return under(value, steps, at).flatMap(([name, next]) =>
    pointersOf((value as Record<string, unknown>)[name], steps, next, below(pointer, name)),
  )
}

/** The texts of a value by their place, and the names of its fields, whose place ends with `~`. */
function textsIn(value: unknown, pointer = '', found = new Map<string, string>()): Map<string, string> {
  if (typeof value === 'string') found.set(pointer, value)
  if (typeof value !== 'object' || value === null) return found
  for (const [name, inner] of Object.entries(value)) {
    const at = below(pointer, name)
    found.set(`${at}~`, name)
    textsIn(inner, at, found)
  }
  return found
}

const below = (pointer: string, name: string) => `${pointer}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`

function jsonOf(value: unknown): string | undefined {
  try {
    return JSON.stringify(value)
  } catch {
    // What cannot be written as JSON is refused as such.
    return undefined
  }
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    return undefined
  }
}
