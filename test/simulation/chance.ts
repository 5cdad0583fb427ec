import { mix } from '../../src/testing/random.ts'

/** Chance that is the same for the same message. */
export function draw(salt: number, id: string, what: string): number {
  let bits = salt
  for (const char of `${what} ${id}`) bits = mix(bits + char.codePointAt(0)!)
  return (bits >>> 0) / 2 ** 32
}
