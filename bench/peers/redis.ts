import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { createInterface } from 'node:readline'
import { freePort } from './port.ts'

/** A Redis server of our own. */
export interface Redis {
  port: number
  stop: () => Promise<void>
}

/** The `redis-server` found on PATH, or null. */
export function findRedis(): string | null {
  const candidates = (process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, 'redis-server'))
  return candidates.find(isExecutable) ?? null
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** Starts a server on a free port of this machine alone, its files in `folder`, every write synced before its answer. */
export async function startRedis(program: string, folder: string): Promise<Redis> {
  const port = await freePort()
  const settings = {
    port: String(port),
    bind: '127.0.0.1',
    dir: folder,
    appendonly: 'yes',
    appendfsync: 'always',
    save: '',
    // No rewrite of the log in the middle of a run: it would only slow the server down.
    'auto-aof-rewrite-percentage': '0',
  }
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value])
  const server = spawn(program, args, { stdio: ['ignore', 'pipe', 'ignore'] })
  process.once('exit', () => server.kill('SIGKILL'))
  const exited = once(server, 'exit')
  await Promise.race([
    printed(createInterface(server.stdout), 'Ready to accept connections'),
    exited.then(([code]) => {
      throw new Error(`redis-server ended with exit code ${code} when it was started`)
    }),
  ])
  return {
    port,
    stop: async () => {
      server.kill('SIGTERM')
      await exited
    },
  }
}

function printed(lines: ReturnType<typeof createInterface>, text: string): Promise<void> {
  return new Promise((resolve) => {
    lines.on('line', (line) => {
      if (line.includes(text)) resolve()
    })
  })
}
