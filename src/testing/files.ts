// The files of a simulated machine: what is in them now, and what of it would be there after a power cut.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Random } from './random.ts'

/** What a disk writes as a whole, bytes. */
const sector = 512
const walHeader = 32
const nothing = Buffer.alloc(0)

/** In memory where the system has a folder for that. */
const base = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()

const folders = new Set<string>()
const removeAll = () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
}

export function makeFolder(): string {
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

/** A database and its -wal file, as a process uses them. */
export class Files {
  readonly database: string
  /** What a power cut would leave for certain. */
  private durable: { database: Buffer; wal: Buffer }

  constructor(database: string) {
    this.database = database
    this.durable = { database: content(database), wal: content(`${database}-wal`) }
  }

  /** What is in the -wal file now. */
  wal(): Buffer {
    return content(`${this.database}-wal`)
  }

  /** The -wal file was synced when it had this in it. */
  walSynced(wal: Buffer): void {
    this.durable.wal = wal
  }

  /** A checkpoint that SQLite synced itself is over; where it was whole, the -wal file is empty or gone. */
  checkpointed(): void {
    const wal = this.wal()
    if (wal.length === 0) this.durable = { database: content(this.database), wal }
  }

  /** Outside a checkpoint SQLite writes the database only where it syncs it at once. */
  databaseSynced(): void {
    this.durable.database = content(this.database)
  }

  /** Leaves the files for the next process as they are when this one dies. */
  afterKill(next: string): void {
    writeFileSync(next, content(this.database))
    writeFileSync(`${next}-wal`, this.wal())
  }

  /** Leaves the files as a power cut does: what was not synced is there by sectors, or not. */
  afterPowerCut(next: string, random: Random): void {
    const keep = random.pick([0, 0.1, 0.5, 0.9, 1])
    writeFileSync(next, cut(this.durable.database, content(this.database), keep, random))
    const wal = this.wal()
    const left = cut(this.durable.wal, wal, keep, random)
    // When the file is used anew SQLite writes its header and syncs that itself, before the first frame.
    wal.copy(left, 0, 0, Math.min(walHeader, left.length))
    writeFileSync(`${next}-wal`, left)
  }
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
