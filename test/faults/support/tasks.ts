// An app for trials: each message names what its handler does. Innocent ones write a row and publish an event.
import {
  type App,
  type AppOptions,
  app,
  type Broker,
  type Context,
  event,
  type Message,
  processor,
  topic,
} from 'millrace'
import { z } from 'zod'

export const Task = event('task', {
  schema: z.object({ lane: z.string(), what: z.string() }),
  context: (task) => task.lane,
})
export const Result = event('result', { schema: z.object({ what: z.string() }) })
export const Tasks = topic('tasks', [Task])
export const Results = topic('results', [Result])

export type Doing = (task: Message<typeof Task>, context: Context<typeof Result, never>) => unknown

export interface TasksOptions extends Partial<Omit<AppOptions, 'broker' | 'parts'>> {
  readonly broker: Broker
  /** By the `what` of the message; others are innocent. */
  readonly doing?: Readonly<Record<string, Doing>>
  readonly attempts?: number
  readonly timeoutMs?: number
  readonly lingerMs?: number
  readonly concurrency?: number
}

/** What an innocent handler does. */
export const innocent: Doing = ({ id, data }, { commit, publish }) => {
  publish(Result, { what: `${data.what}, early` })
  return commit(async (tx) => {
    await tx.query`insert into done (message, lane, what) values (${id}, ${data.lane}, ${data.what})`
    publish(Result, { what: `${data.what}, in commit` })
  })
}

export function tasks(options: TasksOptions): App {
  const { broker, doing = {}, attempts = 1, timeoutMs, lingerMs, concurrency, setup, ...rest } = options
  const doer = processor('doer', {
    on: Tasks,
    publishes: [Result],
    concurrency,
    timeoutMs,
    lingerMs,
    retry: { attempts, firstDelayMs: 1, maxDelayMs: 5 },
    // What fails here is nobody else's fault.
    probeAfter: 10_000,
    handle: {
      // What a trial returns is not what the types allow, which is part of the trial.
      task: (task, context) => (doing[task.data.what] ?? innocent)(task, context) as undefined,
    },
  })
  return app({
    name: 'tasks',
    log: () => {},
    ...rest,
    broker,
    setup: async (tx) => {
      await tx.query`create table if not exists done
        (seq integer primary key autoincrement, message text not null, lane text not null, what text not null)`
      await setup?.(tx)
    },
    parts: [Tasks, Results, doer],
  })
}
