import type { Writable } from 'node:stream'
import { fault } from '../model/errors.ts'

const newline = 0x0a

/** Cuts bytes into lines, each of bounded length; keeps what is not ended yet. */
export class Lines {
  private readonly bytesMax: number
  private parts: Buffer[] = []
  private bytes = 0

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax
  }

  /** @throws `millrace/bad-request` when a line is too long */
  *take(chunk: Buffer): Generator<Buffer> {
    let start = 0
    for (;;) {
      const end = chunk.indexOf(newline, start)
      const part = chunk.subarray(start, end === -1 ? chunk.length : end)
      if (this.bytes + part.length > this.bytesMax) {
        throw fault('millrace/bad-request', `a line is longer than ${this.bytesMax} bytes`)
      }
      if (part.length > 0) this.parts.push(part)
      this.bytes += part.length
      if (end === -1) return
      yield this.end()
      start = end + 1
    }
  }

  /** The bytes after the last end of a line. */
  end(): Buffer {
    const line = this.parts.length === 1 ? this.parts[0]! : Buffer.concat(this.parts)
    this.parts = []
    this.bytes = 0
    return line
  }
}

/** Writes lines to a stream. All who write wait for room together, so that it has one listener however many they are. */
export class LineWriter {
  private readonly stream: Writable
  private waiting: Promise<void> | undefined

  constructor(stream: Writable) {
    this.stream = stream
  }

  /** Undefined when there is room for more; else it resolves when there is, or when the stream has ended. */
  write(line: string): Promise<void> | undefined {
    if (!this.stream.writable || this.stream.write(`${line}\n`)) return undefined
    this.waiting ??= this.room()
    return this.waiting
  }

  private room(): Promise<void> {
    const { stream } = this
    return new Promise((resolve) => {
      const go = () => {
        for (const event of events) stream.off(event, go)
        this.waiting = undefined
        resolve()
      }
      for (const event of events) stream.on(event, go)
    })
  }
}

const events = ['drain', 'close', 'error'] as const
