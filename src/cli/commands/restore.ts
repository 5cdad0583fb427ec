import { resolve } from 'node:path'
import { copiesOf } from '../../operate/offline.ts'
import { type Call, locate, takeWords } from '../call.ts'
import { bytes, safe } from '../print.ts'

/** Puts a copy in place of the file of a stopped app, and moves the old file aside. */
export async function restore(call: Call): Promise<number> {
  const [copy = ''] = takeWords(call, ['COPY'], 1)
  const { out } = call
  const { store } = await locate(call)
  const from = resolve(copy)
  const { aside, bytes: size, newest, whole } = await copiesOf(store).restore(from)
  const to = store.where
  const at = newest === 0 ? null : new Date(newest).toISOString()
  if (out.json) {
    out.object({ from, to, bytes: size, aside, whole, newest: at })
    return 0
  }
  for (const path of aside) out.line(safe(`moved aside: ${path}`))
  out.line(
    safe(
      `${from} is restored to ${to} (${bytes(size)}); ${at ? `its newest message is of ${at}` : 'it has no messages'}`,
    ),
  )
  if (!whole) out.note('the copy does not say that it is whole: newer messages may be missing; it is accepted as it is')
  return 0
}
