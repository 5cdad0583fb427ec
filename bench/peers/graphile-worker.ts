import type { Pool } from 'pg'
import type { Order } from '../message.ts'
import { connect, onDatabase } from '../postgres-server.ts'
import type { Figures, Load, Span } from '../task.ts'
import { batch, batchedRate, type Counts } from './batches.ts'
import { load as loadPeer } from './load.ts'

/** What the bench uses of Graphile Worker. */
interface GraphileWorker {
  Logger: new (factory: () => () => void) => object
  makeWorkerUtils(options: { connectionString: string; logger: object }): Promise<{
    migrate(): Promise<void>
    release(): Promise<void>
    addJobs(jobs: { identifier: string; payload: Order }[]): Promise<unknown>
  }>
  run(options: object): Promise<{ stop(): Promise<void> }>
}

interface Helpers {
  readonly job: { readonly id: string }
  query: Pool['query']
}

/**
 * Graphile Worker at its best, by its page on performance: `addJobs` adds 500, a local queue takes 500 at a time, and what
 * is done is written in batches. A handler's row is a statement of its own, by the `query` that it is given.
 */
export function graphileWorkerRate(load: Load & Span): Promise<Figures> {
  return onDatabase(async (connectionString) => {
    const { Logger, makeWorkerUtils, run } = await loadPeer<GraphileWorker>('graphile-worker')
    const logger = new Logger(() => () => {})
    const utils = await makeWorkerUtils({ connectionString, logger })
    await utils.migrate()
    const counts: Counts = { added: 0, done: 0 }
    const placed = async ({ quantity }: Order, { job, query }: Helpers) => {
      if (load.work === 'row') await query('insert into public.fx values ($1, $2)', [job.id, quantity])
      counts.done++
    }
    const worker = {
      ...{ connectionString, logger, concurrentJobs: 32, maxPoolSize: 34, pollInterval: 100 },
      ...{ localQueue: { size: batch }, completeJobBatchDelay: 0, failJobBatchDelay: 0 },
    }
    const options = { connectionString, logger, noHandleSignals: true, taskList: { placed }, preset: { worker } }
    const client = await connect(connectionString)
    await client.query('create table fx (id text primary key, quantity integer)')
    await client.end()
    const runner = load.work === 'publish' ? undefined : await run(options)
    const figures = await batchedRate(load, counts, (orders) =>
      utils.addJobs(orders.map((payload) => ({ identifier: 'placed', payload }))),
    )
    await runner?.stop()
    await utils.release()
    return figures
  })
}
