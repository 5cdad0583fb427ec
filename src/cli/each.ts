// Does one action on each of several things.
import { isMillraceError } from '../index.ts'
import { type Call, type Reached, withApp } from './call.ts'
import { UsageError } from './output.ts'

/** The report about one thing: for people, and as JSON. */
export interface Said {
  readonly text: string
  readonly object: object
}

/**
 * Does an action on each named thing. A thing that fails with one of the codes `ofOne` is reported, and the others are
 * still done.
 */
export async function each(
  call: Call,
  what: string,
  ofOne: ReadonlySet<string>,
  act: (reached: Reached, id: number) => Promise<Said>,
): Promise<number> {
  const { out } = call
  const ids = call.words.map((word) => readId(word, what))
  if (ids.length === 0) throw new UsageError('ID is missing')
  let refused = 0
  // Where an app takes over the file in between, it continues with the remaining ids.
  const left = [...ids]
  return withApp(call, async (reached) => {
    for (; left.length > 0; left.shift()) {
      const id = left[0]!
      try {
        const { text, object } = await act(reached, id)
        if (out.json) out.object({ id, ...object })
        else out.line(text)
      } catch (error) {
        if (!isMillraceError(error) || !ofOne.has(error.code)) throw error
        out.error(error)
        refused++
      }
    }
    return refused === 0 ? 0 : 1
  })
}

/** What an id of the desk is the number of. */
export const messageAtDesk = 'a message at the desk'

export function readId(text: string, what: string): number {
  const id = Number(text)
  if (/^\d+$/.test(text) && Number.isSafeInteger(id)) return id
  throw new UsageError(`ID is "${text}", but must be the number of ${what}`)
}
