import { join } from 'node:path'
import { app, channel, command, event, mediator, processor, sqlite, topic } from 'millrace'
import { z } from 'zod'
import { closedLoop, percentile, rateOf } from './measure.ts'
import type { Figures, FlowLoad, Span } from './task.ts'

const flowData = z.object({ id: z.string() })
const Begun = event('flow.begun', { schema: flowData, context: ({ id }) => id })
const Begins = topic('begins', [Begun])
const Step = command('step', {
  schema: z.object({ id: z.string(), step: z.number().int() }),
  reply: z.object({ step: z.number().int() }),
  context: ({ id }) => id,
})
const Steps = channel('steps', [Step])

const worker = processor('worker', {
  on: Steps,
  concurrency: 256,
  handle: { step: ({ data: { step } }) => ({ step }) },
})

/** Flows of so many commands, one after the other; `ended` is called at the end of each. */
const conducting = (steps: number, ended: (id: string) => void) =>
  mediator('conductor', {
    on: Begins,
    startedBy: Begun,
    sends: [Step],
    run: async ({ data: { id } }, flow) => {
      for (let step = 0; step < steps; step++) await flow.call(`step ${step}`, Step, { id, step })
      ended(id)
    },
  })

function open(folder: string, part: ReturnType<typeof conducting>) {
  return app({
    name: 'bench',
    log: () => {},
    broker: sqlite({ file: join(folder, 'millrace.db') }),
    parts: [Begins, Steps, worker, part],
  })
}

/** Flows per second with so many at once, and how long each takes, from its event to the end of its function. */
export async function millraceFlows({ steps, inFlight, ...span }: FlowLoad & Span, folder: string): Promise<Figures> {
  const waiting = new Map<string, () => void>()
  const running = open(
    folder,
    conducting(steps, (id) => {
      waiting.get(id)?.()
      waiting.delete(id)
    }),
  )
  await running.start()
  let sequence = 0
  let took: number[] = []
  const run = async (untilMs: number) => {
    const start = sequence
    took = []
    await closedLoop(
      inFlight,
      () => performance.now() < untilMs,
      async () => {
        const id = `f${sequence++}`
        const beganAt = performance.now()
        const ended = new Promise<void>((resolve) => waiting.set(id, resolve))
        await running.publish(Begun, { id })
        await ended
        took.push(performance.now() - beganAt)
      },
    )
    return sequence - start
  }
  const figures = await rateOf(span, run)
  await running.idle()
  await running.stop()
  return { ...figures, p50Ms: percentile(took, 0.5), p99Ms: percentile(took, 0.99) }
}
