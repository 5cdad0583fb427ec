// The control socket of a running app, for the command `millrace`. It never keeps the process alive.
import { chmodSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { isMainThread } from 'node:worker_threads'
import { fault } from '../model/errors.ts'
import type { Offline } from '../seam/offline.ts'
import { Connection } from './connection.ts'
import { connectionsMax, protocolVersion, socketPath } from './protocol.ts'
import { type Served, Services } from './services.ts'

export interface Control {
  /** Refuses new connections; the open ones stay. Called before the file is closed. */
  stopTaking(): void
  /** Tells the connected commands that the app has stopped. */
  goodbye(): void
}

/**
 * Opens the control socket of an app that owns its store: a socket in its place is left over from a process that
 * died. Rejects when the socket cannot be made.
 */
export async function openControl(
  app: Served,
  store: Offline,
  accept: () => Promise<boolean>,
  warn: (text: string) => void,
): Promise<Control> {
  const path = socketPath(store.controlPath!)
  const connections = new Set<Connection>()
  const services = new Services(app, store, accept)
  const server = createServer((socket) => {
    const connection = new Connection(socket, services, () => connections.delete(connection))
    connections.add(connection)
    const full = connections.size > connectionsMax
    const tooMany = () => fault('millrace/too-many-connections', `${connectionsMax} commands are connected to the app`)
    const served = full
      ? connection.refuse(tooMany())
      : connection.serve({ millrace: protocolVersion, app: app.name, pid: process.pid })
    served.catch((error: unknown) => {
      warn(`a connection to the control socket failed: ${error instanceof Error ? error.message : String(error)}`)
      socket.destroy()
    })
  })
  server.unref()
  rmSync(path, { force: true })
  await listenPrivately(server, path)
  server.on('error', (error) => warn(`the control socket ${path} failed: ${error.message}`))
  return {
    stopTaking: () => void server.close(),
    goodbye: () => {
      for (const connection of connections) connection.goodbye()
    },
  }
}

function listenPrivately(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    // Made at once with no rights for others, not only afterwards; in a worker the mode of the process cannot be set.
    const before = isMainThread ? process.umask(0o177) : undefined
    server.once('error', reject)
    server.listen(path, () => {
      server.off('error', reject)
      try {
        chmodSync(path, 0o600)
        resolve()
      } catch (error) {
        server.close()
        reject(error)
      }
    })
    if (before !== undefined) process.umask(before)
  })
}
