// A PostgreSQL server for the cases `postgres.*`, with its defaults for durability; it ends with the process of the bench.
import { spawn } from 'node:child_process'
import { chmodSync, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Client } from 'pg'
import { asAdmin, findBinaries, noServer } from '../test/support/postgres.ts'
import type { Place } from './place.ts'

/** Where the runs find the server. */
const variable = 'MILLRACE_BENCH_POSTGRES'
const startMs = 60_000
const settings = ['max_connections=700', 'shared_buffers=512MB', 'max_wal_size=8GB']

/** Starts the server and tells all later runs where it is. Returns what there is to say about it. */
export async function startPostgres(place: Place): Promise<string> {
  if (process.env[variable] === undefined) {
    const why = noServer()
    if (why !== undefined) return `postgres.* is not measured: ${why}.`
    process.env[variable] = await started(place)
  }
  const [row] = await asAdmin<{ server_version: string }>(process.env[variable]!, 'show server_version')
  return `postgres: PostgreSQL ${row!.server_version} on this machine, fsync and synchronous_commit on; ${settings.join(', ')}.`
}

async function started(place: Place): Promise<string> {
  const folder = place.next()
  // The server is another user, where this is root.
  for (const each of [place.folder, folder]) chmodSync(each, 0o711)
  const server = fileURLToPath(new URL('../test/support/postgres-server.ts', import.meta.url))
  const args = [server, folder, String(process.pid), JSON.stringify(findBinaries()), JSON.stringify(settings)]
  spawn(process.execPath, args, { detached: true, stdio: 'ignore' }).unref()
  const state = join(folder, 'state.json')
  for (let waited = 0; waited < startMs && !existsSync(state); waited += 20) await delay(20)
  if (!existsSync(state)) throw new Error(`PostgreSQL has not started within ${startMs} ms`)
  const { url, failed } = JSON.parse(readFileSync(state, 'utf8')) as { url?: string; failed?: string }
  if (url === undefined) throw new Error(`PostgreSQL did not start: ${failed}`)
  return url
}

/** Runs `work` on an empty database, which is removed after it. */
export async function onDatabase<Value>(work: (url: string) => Promise<Value>): Promise<Value> {
  const server = process.env[variable]
  if (server === undefined) throw new Error('there is no PostgreSQL')
  const name = `bench_${process.pid}`
  await asAdmin(server, `drop database if exists ${name} with (force)`)
  await asAdmin(server, `create database ${name} template template0 encoding 'UTF8'`)
  const url = new URL(server)
  url.pathname = `/${name}`
  try {
    return await work(url.href)
  } finally {
    await asAdmin(server, `drop database if exists ${name} with (force)`)
  }
}

/** A connection of the bench's own. */
export async function connect(url: string): Promise<Client> {
  const client = new Client({ connectionString: url, pipeline: true } as ConstructorParameters<typeof Client>[0])
  client.on('error', () => {})
  await client.connect()
  return client
}
