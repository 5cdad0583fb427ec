// A disk that loses what was not synced: it remembers the files as they were at the last sync, and at the power cut
// leaves them so, with 512-byte sectors of what came later kept or lost at random.
import { closeSync, fstatSync, openSync, readSync, writeFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import type { Disk, Synced } from '../../../src/adapters/sqlite/disk.ts'

const sector = 512
const walHeader = 32
const plenty: Synced = { freeBytes: Number.MAX_SAFE_INTEGER }

export class LosingDisk implements Disk {
  /** Syncs and checkpoints so far. */
  steps = 0
  /** Called at each of them, and in the middle of checkpoints: when the power may go. */
  onStep: () => void = () => {}
  private database = 0
  private wal = 0
  private keeper: DatabaseSync | undefined
  private durable: { database: Buffer; wal: Buffer } = { database: Buffer.alloc(0), wal: Buffer.alloc(0) }
  private readonly roll: () => number
  private readonly cutAt: number
  private readonly onCut: () => void
  /** Acknowledges without syncing, but for every so many-th time: the control that has to lose data. */
  private readonly liesEvery: number

  constructor(roll: () => number, cutAt: number, onCut: () => void, liesEvery = 1) {
    this.roll = roll
    this.cutAt = cutAt
    this.onCut = onCut
    this.liesEvery = liesEvery
  }

  async renewWal(): Promise<void> {}

  async open(file: string): Promise<void> {
    // Kept open to the end: closing a descriptor of an open database would drop its locks.
    this.database = openSync(file, 'r')
    this.wal = openSync(`${file}-wal`, 'r')
    this.keeper = new DatabaseSync(file)
    this.keeper.exec('pragma synchronous=normal; pragma wal_autocheckpoint=0')
    this.durable = { database: content(this.database), wal: content(this.wal) }
  }

  freeBytes(): number {
    return plenty.freeBytes
  }

  async sync(): Promise<Synced> {
    const asked = content(this.wal)
    await this.step()
    if (this.steps % this.liesEvery === 0) this.durable.wal = asked
    return plenty
  }

  async checkpoint(): Promise<boolean> {
    await this.step()
    // SQLite syncs the -wal file, writes the pages, syncs the database. The power may go between any two of these.
    this.durable.wal = content(this.wal)
    const row = this.keeper!.prepare('pragma wal_checkpoint(passive)').get() as Record<string, number>
    // The power may go while it writes; once it has answered, the database is synced and the -wal file may be used anew.
    if (this.power()) this.durable.database = content(this.database)
    else await new Promise(() => {})
    return row.log === row.checkpointed
  }

  async quickCheck(): Promise<string[]> {
    return []
  }

  read(): Promise<never> {
    return Promise.reject(new Error('nothing looks through the log here'))
  }

  async close(): Promise<void> {
    this.keeper?.close()
    closeSync(this.database)
    closeSync(this.wal)
  }

  /** Writes the files as the power cut leaves them. */
  image(to: string): void {
    const keep = [0, 0.1, 0.5, 0.9, 1][Math.floor(this.roll() * 5)]!
    writeFileSync(to, this.afterCut(this.durable.database, content(this.database), keep))
    const wal = content(this.wal)
    const left = this.afterCut(this.durable.wal, wal, keep)
    // When the file is used anew SQLite writes its header and syncs that itself, before the first frame.
    wal.copy(left, 0, 0, Math.min(walHeader, left.length))
    writeFileSync(`${to}-wal`, left)
  }

  private afterCut(durable: Buffer, later: Buffer, keep: number): Buffer {
    const image = Buffer.alloc(Math.max(durable.length, later.length))
    durable.copy(image)
    let end = durable.length
    for (let at = 0; at < later.length; at += sector) {
      if (this.roll() >= keep) continue
      later.copy(image, at, at, Math.min(at + sector, later.length))
      end = Math.max(end, Math.min(at + sector, later.length))
    }
    return image.subarray(0, end)
  }

  private async step(): Promise<void> {
    // Without power nothing answers any more.
    if (!this.power()) await new Promise(() => {})
    await new Promise((resolve) => setImmediate(resolve))
  }

  /** Counts a step, at one of which the power goes. */
  private power(): boolean {
    this.steps++
    this.onStep()
    if (this.steps === this.cutAt) this.onCut()
    return this.steps < this.cutAt
  }
}

function content(descriptor: number): Buffer {
  const buffer = Buffer.alloc(fstatSync(descriptor).size)
  readSync(descriptor, buffer, 0, buffer.length, 0)
  return buffer
}
