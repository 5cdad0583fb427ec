import type { WriteStream } from 'node:tty'

/** What is going on, on standard error: a line that is written over on a terminal, a log elsewhere. */
export class Progress {
  readonly #stream: WriteStream
  #shown = false

  constructor(stream: WriteStream) {
    this.#stream = stream
  }

  show(text: string): void {
    if (this.#stream.isTTY) this.#stream.write(`\r\x1b[K${text}`)
    else this.#stream.write(`${text}\n`)
    this.#shown = true
  }

  /** Takes the line away before something is printed on the same terminal. */
  clear(): void {
    if (this.#shown && this.#stream.isTTY) this.#stream.write('\r\x1b[K')
    this.#shown = false
  }

  /** Something that stays to be read. */
  note(text: string): void {
    this.clear()
    this.#stream.write(`${text}\n`)
  }
}
