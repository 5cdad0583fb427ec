// Operations on many messages, as they are begun.
import { act } from '../client.ts'
import { go } from '../router.ts'

/** A name that tells one operation from another. */
export const nameOf = (verb: string, processor: string | null) =>
  `${verb} ${processor ?? ''} ${new Date().toISOString().slice(0, 19).replace('T', ' ')}`.slice(0, 100)

/** Begins an operation and shows it. */
export async function select(body: Readonly<Record<string, unknown>>): Promise<void> {
  const { id } = await act('/api/desk/operations', {}, body)
  go(`/desk/operations/${id}`)
}
