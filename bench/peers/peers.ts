import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Place } from '../place.ts'
import type { Progress } from '../progress.ts'
import type { FlowLoad, Load, Span, Task } from '../task.ts'
import { findRedis, startRedis } from './redis.ts'
import { findRestate } from './restate-server.ts'

/** Another library that does the same work in its way: it handles events, it conducts flows, or both. */
export interface Peer {
  name: string
  /** The server on which it is; those without one are on a file or have their own. */
  server?: 'postgres'
  task?: (load: Load & Span) => Task
  flows?: (load: FlowLoad & Span) => Task
}

/** What the cases of a run ask of peers. */
export interface Needs {
  tasks: boolean
  flows: boolean
  postgres: boolean
}

/** The peers that can be measured here, what to say about them under the table, and what ends them. */
export interface Peers {
  peers: Peer[]
  notes: string[]
  stop: () => Promise<void>
}

const folder = new URL('./', import.meta.url)
const installMs = 120_000

const none: Peers = { peers: [], notes: [], stop: async () => {} }

/** Installs the peers when that has not been done, and starts the server one of them needs. Goes on without peers. */
export async function preparePeers(needs: Needs, place: Place, progress: Progress): Promise<Peers> {
  const { tasks, flows, postgres } = needs
  if (!tasks && !flows && !postgres) return none
  if (!isInstalled()) {
    progress.show('installing the peers of the bench (npm ci in bench/peers)')
    try {
      await install()
    } catch (error) {
      const note = `no peers: npm ci in bench/peers failed (${reasonOf(error)})`
      progress.note(note)
      return { ...none, notes: [note] }
    }
  }
  const handling = tasks ? await thatHandle(findRedis(), place, progress) : none
  const conducting = flows ? thatConduct(findRestate(), progress) : none
  const onServer = postgres ? onPostgres() : none
  return {
    peers: [...handling.peers, ...conducting.peers, ...onServer.peers],
    notes: [...handling.notes, ...conducting.notes, ...onServer.notes],
    stop: handling.stop,
  }
}

async function thatHandle(redisServer: string | null, place: Place, progress: Progress): Promise<Peers> {
  const plainjob: Peer = { name: 'plainjob', task: (load) => ({ by: 'plainjob', ...load }) }
  const aboutPlainjob = `plainjob ${version('plainjob')}: addMany, one worker, node:sqlite, WAL, synchronous=FULL.`
  if (!redisServer) {
    const note = 'bullmq is not measured: there is no redis-server on PATH.'
    progress.note(note)
    return { ...none, peers: [plainjob], notes: [aboutPlainjob, note] }
  }
  const redis = await startRedis(redisServer, place.next())
  return {
    peers: [plainjob, { name: 'bullmq', task: (load) => ({ by: 'bullmq', port: redis.port, ...load }) }],
    notes: [aboutPlainjob, `bullmq ${version('bullmq')}: addBulk, one worker, Redis with appendfsync always.`],
    stop: redis.stop,
  }
}

/** The peers that conduct flows. Restate's server is started by each of its runs, for it is never idle. */
export function thatConduct(restateServer: string | null, progress: Pick<Progress, 'note'>): Peers {
  const openworkflow: Peer = { name: 'openworkflow', flows: (load) => ({ by: 'openworkflow', ...load }) }
  const aboutOpenworkflow = `openworkflow ${version('openworkflow')}: step.run, node:sqlite, WAL, synchronous=FULL.`
  if (!restateServer) {
    const note = `restate is not measured: there is no restate-server for ${process.platform}-${process.arch}.`
    progress.note(note)
    return { ...none, peers: [openworkflow], notes: [aboutOpenworkflow, note] }
  }
  const aboutRestate = `restate ${version('@restatedev/restate-server')}: calls of a service, one node, log synced.`
  return {
    ...none,
    peers: [openworkflow, { name: 'restate', flows: (load) => ({ by: 'restate', program: restateServer, ...load }) }],
    notes: [aboutOpenworkflow, aboutRestate],
  }
}

/** The peers on the PostgreSQL server of the bench. */
function onPostgres(): Peers {
  return {
    ...none,
    peers: [
      { name: 'pg-boss', server: 'postgres', task: (load) => ({ by: 'pg-boss', ...load }) },
      { name: 'graphile', server: 'postgres', task: (load) => ({ by: 'graphile-worker', ...load }) },
      { name: 'dbos', server: 'postgres', flows: (load) => ({ by: 'dbos', ...load }) },
    ],
    notes: [
      `pg-boss ${version('pg-boss')}: insert, fetch and complete of 500 jobs at a time.`,
      `graphile-worker ${version('graphile-worker')}: addJobs of 500, a local queue of 500, ends in batches.`,
      `dbos ${version('@dbos-inc/dbos-sdk')}: a workflow of steps that call nobody.`,
    ],
  }
}

function wanted(): [name: string, version: string][] {
  const text = readFileSync(new URL('package.json', folder), 'utf8')
  return Object.entries((JSON.parse(text) as { dependencies: Record<string, string> }).dependencies)
}

function version(peer: string): string {
  return wanted().find(([name]) => name === peer)![1]
}

function isInstalled(): boolean {
  return wanted().every(([name, version]) => {
    const file = new URL(`node_modules/${name}/package.json`, folder)
    return existsSync(file) && (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version === version
  })
}

/** With the npm that runs the bench, if npm does. */
async function install(): Promise<void> {
  const npm = process.env['npm_execpath']
  const [program, ...first] = npm ? [process.execPath, npm] : ['npm']
  await promisify(execFile)(
    program,
    [...first, 'ci', '--ignore-scripts', '--no-audit', '--no-fund', '--fetch-retries=1', '--loglevel=error'],
    {
      cwd: fileURLToPath(folder),
      timeout: installMs,
    },
  )
}

/** What npm says is wrong, if npm said anything. */
function reasonOf(error: unknown): string {
  const printed = error instanceof Error && 'stderr' in error ? String(error.stderr) : ''
  const complaint = printed.split('\n').find((line) => line.startsWith('npm error'))
  return complaint ?? (error instanceof Error ? error.message : String(error))
}
