// The files of a simulated machine: their current content, and the content that a power cut would leave.
import { closeSync, existsSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Random } from './random.ts'

/** The unit that a disk writes as a whole, bytes. */
const sector = 512
const walHeader = 32
const nothing = Buffer.alloc(0)

/** In memory, where the system has a folder for that. */
const base = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()

const folders = new Set<string>()
const removeAll = () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
}

/** Removes the folders of killed processes, which could not remove their own. */
function sweep(): void {
  for (const name of readdirSync(base)) {
    const pid = Number(/^millrace-sim-(\d+)-/.exec(name)?.[1])
    if (pid > 0 && !alive(pid)) rmSync(join(base, name), { recursive: true, force: true })
  }
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH'
  }
}

let swept = false

export function makeFolder(): string {
  if (!swept) sweep()
  swept = true
  const folder = mkdtempSync(join(base, `millrace-sim-${process.pid}-`))
  if (folders.size === 0) process.once('exit', removeAll)
  folders.add(folder)
  return folder
}

export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true })
  folders.delete(folder)
  if (folders.size === 0) process.off('exit', removeAll)
}

interface Content {
  readonly database: Buffer
  readonly wal: Buffer
}

/** A database and its -wal file, across the lives of the processes that use them. */
export class Files {
  readonly database: string
  /** The content that a power cut leaves for certain. */
  private durable: Content
  /** Set after a failed sync: the content that memory shows as if it were on disk. */
  private unwritten: Buffer | undefined

  constructor(database: string, durable: Content = { database: nothing, wal: nothing }, unwritten?: Buffer) {
    this.database = database
    this.durable = durable
    this.unwritten = unwritten
  }

  /** Keeps the -wal file when a reader closes the database; a process that dies always leaves one. */
  keepWal(): void {
    if (existsSync(this.database)) closeSync(openSync(`${this.database}-wal`, 'a'))
  }

  /** The current content of the -wal file. */
  wal(): Buffer {
    return content(`${this.database}-wal`)
  }

  /** Records a sync of the -wal file with this content. */
  walSynced(wal: Buffer): void {
    const { unwritten, durable } = this
    this.durable = { ...durable, wal: unwritten === undefined ? wal : without(wal, unwritten, durable.wal) }
  }

  /** Records a failed sync of the -wal file: no later sync writes what this one did not. */
  syncFailed(): void {
    this.unwritten = this.wal()
  }

  /** Records that the -wal file was rewritten and synced. */
  walRenewed(): void {
    this.unwritten = undefined
    this.walSynced(this.wal())
  }

  /**
   * Records the end of a checkpoint that SQLite synced itself; after a complete one the -wal file is empty or absent.
   */
  checkpointed(): void {
    const wal = this.wal()
    if (wal.length > 0) return
    this.durable = { database: content(this.database), wal }
    this.unwritten = undefined
  }

  /** Records a sync of the database: outside a checkpoint SQLite syncs it at once after each write. */
  databaseSynced(): void {
    this.durable = { ...this.durable, database: content(this.database) }
  }

  /** Copies the files for the next process when this one dies: memory of the system survives. */
  afterKill(next: string, wal = this.wal()): Files {
    writeFileSync(next, content(this.database))
    writeFileSync(`${next}-wal`, wal)
    return new Files(next, this.durable, this.unwritten)
  }

  /**
   * Copies the files for the next process after a power cut: of data that were not synced, each sector is there or not.
   */
  afterPowerCut(next: string, random: Random): Files {
    const keep = random.pick([0, 0.1, 0.5, 0.9, 1])
    const wal = this.wal()
    const { unwritten } = this
    const later = unwritten === undefined ? wal : without(wal, unwritten, this.durable.wal)
    const left = {
      database: cut(this.durable.database, content(this.database), keep, random),
      wal: cut(this.durable.wal, later, keep, random),
    }
    // When SQLite reuses the file it writes the header and syncs it, before the first frame.
    wal.copy(left.wal, 0, 0, Math.min(walHeader, left.wal.length))
    writeFileSync(next, left.database)
    writeFileSync(`${next}-wal`, left.wal)
    return new Files(next, left)
  }
}

/** The content that is written when the sectors equal to those in `unwritten` are left out. */
function without(wal: Buffer, unwritten: Buffer, durable: Buffer): Buffer {
  const written = Buffer.from(wal)
  for (let at = 0; at < wal.length; at += sector) {
    const to = Math.min(at + sector, wal.length)
    if (to > unwritten.length || wal.compare(unwritten, at, to, at, to) !== 0) continue
    written.fill(0, at, to)
    if (at < durable.length) durable.copy(written, at, at, Math.min(to, durable.length))
  }
  return written
}

function content(file: string): Buffer {
  return existsSync(file) ? readFileSync(file) : nothing
}

function cut(durable: Buffer, later: Buffer, keep: number, random: Random): Buffer {
  const image = Buffer.alloc(Math.max(durable.length, later.length))
  durable.copy(image)
  let end = durable.length
  for (let at = 0; at < later.length; at += sector) {
    const to = Math.min(at + sector, later.length)
    if (to <= durable.length && later.compare(durable, at, to, at, to) === 0) continue
    if (!random.chance(keep)) continue
    later.copy(image, at, at, to)
    end = Math.max(end, to)
  }
  return image.subarray(0, end)
}
