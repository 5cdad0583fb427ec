import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { rateOf } from '../measure.ts'
import { type Order, order } from '../message.ts'
import type { Figures, Load, Span } from '../task.ts'
import { load as loadPeer } from './load.ts'

/** What the bench uses of plainjob. */
interface Plainjob {
  defineQueue(options: { connection: object; logger: object }): {
    addMany(type: string, data: unknown[]): { ids: number[] }
    close(): void
  }
  defineWorker(
    type: string,
    handler: (job: { id: number; data: string }) => Promise<void>,
    options: object,
  ): { start(): Promise<void>; stop(): Promise<void> }
}

const silent = { error: console.error, warn: () => {}, info: () => {}, debug: () => {} }

/**
 * The connection that plainjob asks for, on `node:sqlite`. It would set `synchronous` to NORMAL, with which a commit
 * may be lost when the power goes; here it is FULL, so that it promises what the others promise.
 */
function connection(db: DatabaseSync, file: string): object {
  const inTransaction =
    (begin: string) =>
    <Args extends unknown[], Value>(work: (...args: Args) => Value) =>
    (...args: Args): Value => {
      db.exec(begin)
      try {
        const value = work(...args)
        db.exec('commit')
        return value
      } catch (error) {
        db.exec('rollback')
        throw error
      }
    }
  return {
    driver: 'better-sqlite3',
    filename: file,
    pragma: (text: string) => db.exec(`pragma ${/^synchronous\b/.test(text) ? 'synchronous = full' : text}`),
    exec: (text: string) => db.exec(text),
    prepare: (text: string) => db.prepare(text),
    transaction: (work: () => unknown) =>
      Object.assign(inTransaction('begin')(work), { immediate: inTransaction('begin immediate')(work) }),
    close: () => db.close(),
  }
}

/**
 * plainjob at its best: jobs are added by `addMany`, as many in one transaction as are in flight, and one worker takes
 * them in the same process (it works one job at a time; a second process would wait for the same file).
 */
export async function plainjobRate(load: Load & Span, folder: string): Promise<Figures> {
  const { defineQueue, defineWorker } = await loadPeer<Plainjob>('plainjob')
  const file = join(folder, 'plainjob.db')
  const db = new DatabaseSync(file)
  const queue = defineQueue({ connection: connection(db, file), logger: silent })
  db.exec('pragma wal_autocheckpoint = 4000; pragma cache_size = -65536')
  db.exec('create table fx (id integer primary key, quantity integer)')
  const writeRow = db.prepare('insert into fx values (?, ?)')

  let sequence = 0
  const addGroup = () => {
    queue.addMany(
      'order.placed',
      Array.from({ length: load.inFlight }, () => order(sequence++, load.contexts)),
    )
  }
  const publishOnly = (untilMs: number): number => {
    const start = sequence
    do addGroup()
    while (performance.now() < untilMs)
    return sequence - start
  }
  const publishAndHandle = async (untilMs: number): Promise<number> => {
    const start = sequence
    let waiting = 0
    const worker = defineWorker(
      'order.placed',
      async (job) => {
        const data = JSON.parse(job.data) as Order
        if (load.work === 'row') writeRow.run(job.id, data.quantity)
      },
      {
        queue,
        logger: silent,
        onCompleted: () => {
          if (--waiting > 0) return
          if (performance.now() < untilMs) refill()
          else void worker.stop()
        },
      },
    )
    const refill = () => {
      addGroup()
      waiting = load.inFlight
    }
    refill()
    await worker.start()
    return sequence - start
  }

  const figures = await rateOf(load, load.work === 'publish' ? publishOnly : publishAndHandle)
  queue.close()
  return figures
}
