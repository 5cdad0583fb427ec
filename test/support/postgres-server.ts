// Runs a PostgreSQL server until the process of a test run has ended, then removes all of it. Started by postgres.ts as
// a process of its own: `node postgres-server.ts FOLDER PID BINARIES [SETTINGS]`.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import {
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Client } from 'pg'
import type { Binaries } from './postgres.ts'
import { freePort, serverUser } from './postgres-parts.ts'

const [folder, run, binaries, given] = process.argv.slice(2) as [string, string, string, string?]

/**
 * The programs of the package, with the links that its install script would have made: install scripts are off. They are
 * copied to a folder that the user of the server can read, once for all runs.
 */
function completed({ bin, native, version }: Binaries): string {
  if (native === undefined) return bin
  const mine = process.getuid?.() ?? 0
  const copy = join(tmpdir(), `millrace-postgres-${version}-${mine}`)
  const ready = join(copy, 'ready')
  if (!existsSync(ready)) {
    const fresh = `${copy}-${randomUUID()}`
    cpSync(native, fresh, { recursive: true })
    const links = JSON.parse(readFileSync(join(native, 'pg-symlinks.json'), 'utf8')) as {
      readonly source: string
      readonly target: string
    }[]
    for (const { source, target } of links) {
      const at = join(fresh, target.replace(/^native\//, ''))
      mkdirSync(dirname(at), { recursive: true })
      if (!existsSync(at)) symlinkSync(join(copy, source.replace(/^native\//, '')), at)
    }
    writeFileSync(join(fresh, 'ready'), '')
    try {
      renameSync(fresh, copy)
    } catch (error) {
      // Another run was faster.
      rmSync(fresh, { recursive: true, force: true })
      if (!existsSync(ready)) throw error
    }
  }
  if (process.getuid !== undefined && statSync(copy).uid !== mine) throw new Error(`${copy} belongs to somebody else`)
  return join(copy, 'bin')
}

async function answers(url: string): Promise<boolean> {
  const client = new Client({ connectionString: url })
  client.on('error', () => {})
  try {
    await client.connect()
    await client.end()
    return true
  } catch {
    return false
  }
}

/** Settings of a server whose data nobody needs after a crash of the machine. */
const quick = ['fsync=off', 'max_connections=200', 'max_prepared_transactions=20', 'shared_buffers=64MB']
const settings = given === undefined ? quick : (JSON.parse(given) as string[])

async function start(): Promise<{ readonly server: ChildProcess; readonly url: string }> {
  const bin = completed(JSON.parse(binaries) as Binaries)
  const user = serverUser()
  const data = join(folder, 'data')
  const secrets = join(folder, 'password')
  const password = randomUUID()
  mkdirSync(data, { mode: 0o700 })
  writeFileSync(secrets, password, { mode: 0o600 })
  if (user.uid !== undefined) for (const path of [data, secrets]) chownSync(path, user.uid, user.gid!)
  const as = { ...user, cwd: '/', stdio: 'pipe' as const, env: { ...process.env, LC_ALL: 'C', TZ: 'UTC' } }
  const init = ['-D', data, '-U', 'millrace', '-E', 'UTF8', '--locale=C', '-A', 'scram-sha-256', `--pwfile=${secrets}`]
  execFileSync(join(bin, 'initdb'), [...init, '--no-sync'], as)
  const port = await freePort()
  const options = [...settings, 'listen_addresses=127.0.0.1', 'unix_socket_directories='].flatMap((one) => ['-c', one])
  const server = spawn(join(bin, 'postgres'), ['-D', data, '-p', String(port), ...options], { ...as, stdio: 'ignore' })
  const url = `postgres://millrace:${password}@127.0.0.1:${port}/postgres`
  for (let tries = 0; tries < 1_000; tries++) {
    if (server.exitCode !== null) throw new Error(`postgres ended with ${server.exitCode}: ${readdirSync(data)}`)
    if (await answers(url)) return { server, url }
    await delay(20)
  }
  server.kill('SIGQUIT')
  throw new Error('postgres did not answer')
}

function say(state: object): void {
  writeFileSync(join(folder, 'state.new'), JSON.stringify(state), { mode: 0o600 })
  renameSync(join(folder, 'state.new'), join(folder, 'state.json'))
}

function lives(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as { code?: string }).code === 'EPERM'
  }
}

let server: ChildProcess | undefined
try {
  const started = await start()
  ;({ server } = started)
  say({ url: started.url })
} catch (error) {
  say({ failed: String((error as { stderr?: unknown }).stderr ?? error) })
}
while (lives(Number(run))) await delay(200)
if (server !== undefined && server.exitCode === null) {
  const ended = new Promise((resolve) => server!.once('exit', resolve))
  server.kill('SIGQUIT')
  await ended
}
rmSync(folder, { recursive: true, force: true })
