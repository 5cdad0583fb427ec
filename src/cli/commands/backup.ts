import { resolve } from 'node:path'
import { type Call, locate, runningOr, takeWords } from '../call.ts'
import { bytes } from '../print.ts'

/** Copies the file of an app as of one moment, running or not. */
export async function backup(call: Call, { to }: { readonly to: string }): Promise<number> {
  takeWords(call, [], 0)
  const { out } = call
  const { file } = await locate(call)
  const path = resolve(to)
  const copy = () => file.copyTo(path, false)
  const size = await runningOr(file, call.waitMs, (client) => client.backup(path), copy)
  if (out.json) out.object({ from: file.path, to: path, bytes: size })
  else out.line(`${file.path} is copied to ${path} (${bytes(size)})`)
  return 0
}
