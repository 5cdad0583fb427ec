// The body of a request, read once and never beyond its limit, whatever the request says about its size.
import type { Readable } from 'node:stream'
import { fault } from '../model/errors.ts'

export interface Body {
  /** @throws `millrace/too-large`, `millrace/wrong-media-type`, `millrace/bad-request` */
  bytes(): Promise<Uint8Array>
  /** The body as UTF-8. Errors as of `bytes`. */
  text(): Promise<string>
  /** The body as JSON. Errors as of `bytes`. */
  json(): Promise<unknown>
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** `incoming`: the request as a server of Node.js has it, where there is one. */
export function bodyOf(request: Request, bytesMax: number, incoming?: Readable): Body {
  return new Received(request, bytesMax, incoming)
}

class Received implements Body {
  private readonly request: Request
  private readonly bytesMax: number
  private readonly incoming: Readable | undefined

  constructor(request: Request, bytesMax: number, incoming: Readable | undefined) {
    this.request = request
    this.bytesMax = bytesMax
    this.incoming = incoming
  }

  bytes(): Promise<Uint8Array> {
    return readBody(this.request, this.bytesMax, this.incoming)
  }

  async text(): Promise<string> {
    return textOf(await this.bytes())
  }

  async json(): Promise<unknown> {
    return jsonOf(textOf(await this.bytes()))
  }
}

/** The same body, which tells its size once it is read. */
export function counted(body: Body, wasRead: (bytes: number) => void): Body {
  const bytes = async () => {
    const found = await body.bytes()
    wasRead(found.length)
    return found
  }
  const text = async () => textOf(await bytes())
  return { bytes, text, json: async () => jsonOf(await text()) }
}

/** @throws `millrace/bad-request` */
export function textOf(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes)
  } catch {
    throw fault('millrace/bad-request', 'the body is not UTF-8')
  }
}

/** @throws `millrace/bad-request` */
export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw fault('millrace/bad-request', `the body is not JSON: ${(error as Error).message}`)
  }
}

async function readBody(request: Request, bytesMax: number, incoming?: Readable): Promise<Uint8Array> {
  const encoding = request.headers.get('content-encoding')?.trim().toLowerCase() ?? 'identity'
  if (encoding !== 'identity' && encoding !== 'gzip') {
    const headers = { 'accept-encoding': 'gzip' }
    throw fault('millrace/wrong-media-type', `the encoding "${encoding}" is not taken: send plain or gzip`, {
      data: { headers },
    })
  }
  const said = request.headers.get('content-length')
  if (said !== null && Number(said) > bytesMax) throw tooLarge(bytesMax)
  if (encoding === 'identity') {
    // The server has seen to it that no more comes than was said.
    if (said !== null && incoming !== undefined && isFresh(incoming)) return receive(incoming)
    if (said !== null) return new Uint8Array(await aborted(request.arrayBuffer()))
    return request.body === null ? new Uint8Array(0) : collect(request.body, bytesMax)
  }
  if (request.body === null) throw notGzip()
  const inflated = request.body.pipeThrough(new DecompressionStream('gzip') as never) as ReadableStream<Uint8Array>
  return collect(inflated, bytesMax, notGzip)
}

/** Nobody has read of it, and its client is there. */
const isFresh = ({ readableDidRead, destroyed, readableEncoding }: Readable) =>
  !readableDidRead && !destroyed && readableEncoding === null

/** Reads a body past the Request, which would copy it. */
function receive(incoming: Readable): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = []
    incoming.on('data', (chunk: Uint8Array) => chunks.push(chunk))
    incoming.once('end', () => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)))
    incoming.once('close', () => {
      if (!incoming.readableEnded) reject(cutOff())
    })
  })
}

async function collect(
  stream: ReadableStream<Uint8Array>,
  bytesMax: number,
  broken: () => Error = cutOff,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let length = 0
  const reader = stream.getReader()
  for (;;) {
    const { done, value } = await reader.read().catch(() => {
      throw broken()
    })
    if (done) break
    length += value.length
    if (length > bytesMax) {
      reader.cancel().catch(() => {})
      throw tooLarge(bytesMax)
    }
    chunks.push(value)
  }
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, length)
}

const aborted = (body: Promise<ArrayBuffer>) =>
  body.catch(() => {
    throw cutOff()
  })

/** Its client is gone, so that nobody reads this. */
const cutOff = () => fault('millrace/bad-request', 'the body ended before its end')
const notGzip = () => fault('millrace/bad-request', 'the body is not gzip, or it is cut off')
const tooLarge = (bytesMax: number) =>
  fault('millrace/too-large', `the body is larger than ${bytesMax} bytes (bodyBytesMax)`, {
    data: { headers: { connection: 'close' } },
  })
