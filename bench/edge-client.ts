// A client of HTTP/1.1 that costs as little as possible, so that the server is measured: requests are texts, one connection
// has one request at a time.
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

const headEnd = '\r\n\r\n'

/** A connection that is kept. */
export class Connection {
  private readonly socket: Socket
  private text = ''
  private answered: { resolve: (status: number) => void; reject: (error: Error) => void } | undefined

  private constructor(socket: Socket) {
    this.socket = socket
    socket.setNoDelay(true)
    socket.setEncoding('latin1')
    socket.on('data', (chunk: string) => this.take(chunk))
    socket.on('error', (error) => this.answered?.reject(error))
    socket.on('close', () => this.answered?.reject(new Error('the server has closed the connection')))
  }

  static async open(port: number): Promise<Connection> {
    const socket = connect(port, '127.0.0.1')
    await once(socket, 'connect')
    return new Connection(socket)
  }

  /** Sends a request and returns the status of its answer, once all of it is there. */
  send(request: string): Promise<number> {
    return new Promise((resolve, reject) => {
      this.answered = { resolve, reject }
      this.socket.write(request)
    })
  }

  close(): void {
    this.answered = undefined
    this.socket.destroy()
  }

  private take(chunk: string): void {
    this.text = this.text === '' ? chunk : this.text + chunk
    const end = this.text.indexOf(headEnd)
    if (end === -1) return
    const head = this.text.slice(0, end)
    const status = Number(head.slice(9, 12))
    const [, length = status === 204 ? '0' : undefined] = /\r\ncontent-length: *(\d+)/i.exec(head) ?? []
    if (length === undefined) this.answered?.reject(new Error('the answer does not say its length'))
    else if (this.text.length >= end + headEnd.length + Number(length)) {
      this.text = ''
      this.answered?.resolve(status)
    }
  }
}

/** A request with JSON. */
export function posting(path: string, headers: readonly string[], data: unknown): string {
  const body = JSON.stringify(data)
  const lines = [
    `POST ${path} HTTP/1.1`,
    'host: 127.0.0.1',
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body)}`,
    ...headers,
  ]
  return `${lines.join('\r\n')}${headEnd}${body}`
}
