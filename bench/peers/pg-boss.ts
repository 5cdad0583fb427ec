import { setTimeout as sleep } from 'node:timers/promises'
import { Pool } from 'pg'
import type { Order } from '../message.ts'
import { onDatabase } from '../postgres-server.ts'
import type { Figures, Load, Span } from '../task.ts'
import { batch, batchedRate, type Counts } from './batches.ts'
import { load as loadPeer } from './load.ts'

/** What the bench uses of pg-boss. */
interface PgBossModule {
  PgBoss: new (options: {
    connectionString: string
    max: number
  }) => {
    on(name: 'error', told: (error: unknown) => void): void
    start(): Promise<unknown>
    stop(options: { graceful: boolean }): Promise<void>
    createQueue(name: string): Promise<unknown>
    insert(name: string, jobs: { data: Order }[]): Promise<unknown>
    fetch(name: string, options: { batchSize: number }): Promise<{ id: string; data: Order }[]>
    complete(name: string, ids: string[]): Promise<unknown>
  }
}

const consumers = 2

/**
 * pg-boss at its best: `insert` adds 500 jobs, and two loops `fetch` 500 and `complete` them at once; its worker looks each
 * half second at the soonest, and between full batches. A handler's row is a statement of its own on a pool.
 */
export function pgBossRate(load: Load & Span): Promise<Figures> {
  return onDatabase(async (url) => {
    const { PgBoss } = await loadPeer<PgBossModule>('pg-boss')
    const boss = new PgBoss({ connectionString: url, max: 10 })
    boss.on('error', (error) => console.error(error))
    await boss.start()
    await boss.createQueue('orders')
    const pool = new Pool({ connectionString: url, max: 10 })
    await pool.query('create table fx (id text primary key, quantity integer)')
    const row = 'insert into fx values ($1, $2)'
    const counts: Counts = { added: 0, done: 0 }
    let ended = false
    const consume = async () => {
      while (!ended) {
        const jobs = await boss.fetch('orders', { batchSize: batch })
        if (jobs.length === 0) {
          await sleep(1)
          continue
        }
        const rows = load.work === 'row' ? jobs : []
        await Promise.all(
          rows.map(({ id, data }) => pool.query({ name: 'row', text: row, values: [id, data.quantity] })),
        )
        await boss.complete(
          'orders',
          jobs.map(({ id }) => id),
        )
        counts.done += jobs.length
      }
    }
    const consuming = load.work === 'publish' ? [] : Array.from({ length: consumers }, consume)
    const figures = await batchedRate(load, counts, (orders) =>
      boss.insert(
        'orders',
        orders.map((data) => ({ data })),
      ),
    )
    ended = true
    await Promise.all(consuming)
    await boss.stop({ graceful: false })
    await pool.end()
    return figures
  })
}
