// Lists go out as gzip where the client takes it and it saves something: pages of messages are text that repeats itself.
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { Answer } from './route.ts'

/** Below this gzip saves nothing that counts. */
const bytesMin = 1_024
const compress = promisify(gzip)

/** An answer of JSON as gzip, where `Accept-Encoding` has it and it is larger than 1 KiB. */
export async function zipped(answer: Answer, accepted: string | null): Promise<Answer> {
  const headers = { ...answer.headers, vary: 'accept-encoding' }
  if (!takesGzip(accepted)) return { ...answer, headers }
  const text = JSON.stringify(answer.json)
  if (Buffer.byteLength(text) <= bytesMin) return { ...answer, headers }
  const body = await compress(text)
  return { status: answer.status, headers: { ...headers, ...json, 'content-encoding': 'gzip' }, body }
}

const json = { 'content-type': 'application/json' }

/** `gzip`, or `*` for all that is not named, without a weight of 0. */
function takesGzip(accepted: string | null): boolean {
  const weights = new Map<string, number>()
  for (const one of (accepted ?? '').toLowerCase().split(',')) {
    const [name, ...parameters] = one.split(';').map((text) => text.trim())
    const weight = parameters.find((text) => text.startsWith('q='))?.slice(2)
    weights.set(name!, weight === undefined ? 1 : Number(weight))
  }
  return (weights.get('gzip') ?? weights.get('*') ?? 0) > 0
}
