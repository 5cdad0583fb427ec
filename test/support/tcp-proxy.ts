// A proxy between a client and a server of PostgreSQL, which can cut a connection at its commit.
import { connect, createServer, type Socket } from 'node:net'

export interface TcpProxy extends AsyncDisposable {
  /** The URL that leads through it. */
  readonly url: string
  /**
   * The next commit: its answer is never passed on and the connection is cut (`answer`), or it never reaches the server
   * (`commit`).
   */
  lose(what: 'answer' | 'commit'): void
  /** Where later connections lead to. */
  leadTo(url: string): void
}

/** A simple query that is `commit`: its kind, its length, its text. */
const commit = Buffer.from('Q\0\0\0\x0bcommit\0', 'latin1')

export async function tcpProxy(url: string): Promise<TcpProxy> {
  let target = new URL(url)
  const sockets = new Set<Socket>()
  let losing: 'answer' | 'commit' | undefined
  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname)
    let isLost = false
    const end = () => {
      client.destroy()
      upstream.destroy()
    }
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', end).on('close', end)
    }
    client.on('data', (bytes) => {
      if (losing !== undefined && bytes.includes(commit)) {
        const what = losing
        losing = undefined
        isLost = true
        if (what === 'commit') return end()
        // What the server says to the commit comes last.
        upstream.write(bytes)
        return
      }
      upstream.write(bytes)
    })
    upstream.on('data', (bytes) => {
      if (!isLost) client.write(bytes)
      // The answer to the commit, in whatever piece it comes: nothing of it is passed on.
      else if (bytes.includes('COMMIT\0')) end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const through = new URL(url)
  through.port = String((server.address() as { port: number }).port)
  return {
    url: through.href,
    lose(what) {
      losing = what
    },
    leadTo(other) {
      target = new URL(other)
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
