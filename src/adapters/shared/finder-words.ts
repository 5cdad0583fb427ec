// What is indexed of a message, and the bounds of each step.
import { masked } from '../../model/mask.ts'

/** Messages, and bytes of their data, of one step. */
export const stepRows = 300
export const stepBytes: number = 1024 * 1024
/** Rows that one step forgets. */
export const forgetRows = 1_000
/** Characters of the words of one message; what comes after them is not found. */
const wordsCharsMax = 16 * 1024
/** Numbers of messages of one millisecond; more take those of the next. */
export const perMs = 512

/** The texts and numbers in data, without the secret ones and without the names of fields. */
export function wordsOf(json: string, secret: readonly string[]): string {
  const words: string[] = []
  let chars = 0
  const take = (value: unknown): void => {
    if (chars >= wordsCharsMax) return
    if (typeof value === 'object' && value !== null) for (const inner of Object.values(value)) take(inner)
    else if (typeof value === 'string' || typeof value === 'number') {
      const text = String(value).slice(0, wordsCharsMax - chars)
      chars += text.length + 1
      words.push(text)
    }
  }
  try {
    take(JSON.parse(masked(json, secret)))
  } catch {
    // What is no JSON has no words.
  }
  return words.join(' ')
}
