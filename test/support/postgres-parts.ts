// What every server for tests needs: a user that is not root, and a port.
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'

/** The user of the server: PostgreSQL refuses to run as root. */
export interface User {
  readonly uid?: number
  readonly gid?: number
}

export function serverUser(): User {
  if (process.getuid?.() !== 0) return {}
  // It has to be one that has a name.
  for (const name of ['postgres', 'nobody']) {
    const line = new RegExp(`^${name}:[^:]*:(\\d+):(\\d+):`, 'm').exec(readFileSync('/etc/passwd', 'utf8'))
    if (line !== null) return { uid: Number(line[1]), gid: Number(line[2]) }
  }
  throw new Error('root has to start PostgreSQL as another user, and /etc/passwd has neither postgres nor nobody')
}

/** A port that is free now. */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}
