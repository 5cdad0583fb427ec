import { resolve } from 'node:path'
import { copiesOf } from '../../operate/offline.ts'
import { type Call, locate, runningOr, takeWords } from '../call.ts'
import { bytes } from '../print.ts'

/** Copies the file of an app as of one moment, running or not. */
export async function backup(call: Call, { to }: { readonly to: string }): Promise<number> {
  takeWords(call, [], 0)
  const { out } = call
  const { store } = await locate(call)
  const path = resolve(to)
  const copy = () => copiesOf(store).copyTo(path, { app: 'stopped' })
  const size = await runningOr(store, call.waitMs, (client) => client.backup(path), copy)
  if (out.json) out.object({ from: store.where, to: path, bytes: size })
  else out.line(`${store.where} is copied to ${path} (${bytes(size)})`)
  return 0
}
