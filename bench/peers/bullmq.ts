import { rateOf } from '../measure.ts'
import { type Order, order } from '../message.ts'
import type { Figures, Load, Span } from '../task.ts'
import { load as loadPeer } from './load.ts'

/** What the bench uses of ioredis. */
interface IoRedis {
  Redis: new (
    port: number,
    host: string,
    options: object,
  ) => {
    flushall(): Promise<unknown>
    hset(key: string, values: object): Promise<unknown>
    disconnect(): void
  }
}

interface Bull {
  Queue: new (
    name: string,
    options: object,
  ) => {
    addBulk(jobs: { name: string; data: unknown }[]): Promise<unknown>
    close(): Promise<void>
  }
  Worker: new (
    name: string,
    handler: (job: { id: string; data: Order }) => Promise<void>,
    options: object,
  ) => {
    on(event: 'completed', listener: () => void): void
    close(): Promise<void>
  }
}

/** Jobs that the worker has in hand at once; from 50 to 400 made no difference that stood out from the noise. */
const concurrency = 100
const host = '127.0.0.1'

/**
 * BullMQ at its best: jobs are added by `addBulk`, as many at once as are in flight, while one worker takes them; the
 * row is a hash in the same Redis, so that no second system is in the way.
 */
export async function bullmqRate(load: Load & Span & { port: number }): Promise<Figures> {
  const { Queue, Worker } = await loadPeer<Bull>('bullmq')
  const { Redis } = await loadPeer<IoRedis>('ioredis')
  const redis = new Redis(load.port, host, { maxRetriesPerRequest: null })
  await redis.flushall()
  const connection = { host, port: load.port, maxRetriesPerRequest: null }
  const queue = new Queue('orders', { connection })

  let added = 0
  let completed = 0
  let onCompleted = () => {}
  const worker =
    load.work === 'publish'
      ? null
      : new Worker(
          'orders',
          async ({ id, data }) => {
            if (load.work === 'row') await redis.hset(`fx:${id}`, { quantity: data.quantity })
          },
          { connection, concurrency },
        )
  worker?.on('completed', () => {
    completed++
    onCompleted()
  })
  const allCompleted = () =>
    new Promise<void>((resolve) => {
      onCompleted = () => completed === added && resolve()
      onCompleted()
    })

  const figures = await rateOf(load, async (untilMs) => {
    const start = added
    do {
      const group = Array.from({ length: load.inFlight }, () => order(added++, load.contexts))
      await queue.addBulk(group.map((data) => ({ name: 'order.placed', data })))
    } while (performance.now() < untilMs)
    if (worker) await allCompleted()
    return added - start
  })
  await worker?.close()
  await queue.close()
  redis.disconnect()
  return figures
}
