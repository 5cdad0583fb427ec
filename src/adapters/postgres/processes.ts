// The processes that have the store open, and which of them lives.
//
// Each counts a beat in a row of its own. Who waits for the lease watches that number by its own clock: no clock is compared
// with another. A process of the same machine is looked at directly.
import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'
import type { Statements } from './statements.ts'

/** A process, as its row says it. */
export interface Process {
  readonly id: string
  readonly host: string
  readonly place: string
  readonly pid: number
  /** Milliseconds since 1970. */
  readonly since: number
}

/** The stores of this process that are open. */
const here = new Set<string>()

/** Where numbers of processes mean the same: one start of one machine, in one of its containers; empty where unknown. */
function placeHere(): string {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    return `${boot} ${readlinkSync('/proc/self/ns/pid')}`
  } catch {
    return ''
  }
}

export function thisProcess(id: string, now: number): Process {
  here.add(id)
  return { id, host: hostname(), place: placeHere(), pid: process.pid, since: now }
}

export const leaves = (id: string): void => void here.delete(id)

/** Whether a process has surely ended. */
export function isGone({ id, place, pid }: Pick<Process, 'id' | 'place' | 'pid'>): boolean {
  if (place === '' || place !== placeHere()) return false
  if (pid === process.pid) return !here.has(id)
  try {
    process.kill(pid, 0)
    return false
  } catch (error) {
    return (error as { code?: string }).code === 'ESRCH'
  }
}

export async function enter(db: Statements, { id, host, place, pid, since }: Process, code: string): Promise<void> {
  const text = `insert into millrace.processes (id, code, host, place, pid, since) values ($1, $2, $3, $4, $5, $6)
    on conflict (id) do nothing`
  await db.run(text, [id, code, host, place, pid, since])
}

export async function beat(db: Statements, id: string): Promise<void> {
  await db.run('update millrace.processes set beat = beat + 1 where id = $1', [id])
}

export async function remove(db: Statements, ids: readonly string[]): Promise<void> {
  await db.run('delete from millrace.processes where id = any($1::text[])', [ids])
}

/** The holder of the lease, as who waits for it sees it. */
export interface Holder extends Process {
  readonly beat: number
}

const holderText = `select l.owner as id, coalesce(p.host, '') as host, coalesce(p.place, '') as place,
  coalesce(p.pid, 0) as pid, coalesce(p.since, 0) as since, coalesce(p.beat, 0) as beat
  from millrace.leases l left join millrace.processes p on p.id = l.owner where l.unit = 0 and l.owner is not null`

/** The process that has the lease; undefined where none has. */
export async function holderOf(db: Statements): Promise<Holder | undefined> {
  const [holder] = await db.all<Holder>(holderText)
  return holder
}
