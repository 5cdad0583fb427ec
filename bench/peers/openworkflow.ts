import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { ended, endOf } from '../ends.ts'
import { timed } from '../measure.ts'
import type { Figures, FlowLoad, Span } from '../task.ts'
import { load as loadPeer } from './load.ts'

/** What the bench uses of OpenWorkflow. */
interface OpenWorkflow {
  OpenWorkflow: new (options: {
    backend: Backend
  }) => {
    defineWorkflow(
      spec: { name: string },
      run: (context: { input: { id: string }; step: Steps }) => Promise<void>,
    ): { run(input: { id: string }): Promise<unknown> }
    newWorker(options: { concurrency: number }): { tick(): Promise<number> }
  }
}

interface Steps {
  run(options: { name: string }, step: () => unknown): Promise<unknown>
}

interface Backend {
  db: { exec(text: string): void }
  countWorkflowRuns(): Promise<{ pending: number; running: number; failed: number }>
  stop(): Promise<void>
}

interface Sqlite {
  BackendSqlite: { connect(file: string): Backend }
}

/** With more flows in hand it ended no more of them, beyond the noise, and each took longer. */
const concurrencyMax = 100

/**
 * OpenWorkflow at its best: its worker looks for work when a flow has been started, by the call it has for tests. By
 * itself it looks every 50 to 100 ms at most, which nothing changes, and `result()` of a flow once a second; so here
 * the end of a flow is told by its function, as with the others.
 */
export async function openworkflowFlows(
  { steps, inFlight, ...span }: FlowLoad & Span,
  folder: string,
): Promise<Figures> {
  const { OpenWorkflow } = await loadPeer<OpenWorkflow>('openworkflow')
  const { BackendSqlite } = await loadPeer<Sqlite>('openworkflow/sqlite')
  const backend = BackendSqlite.connect(join(folder, 'openworkflow.db'))
  // Its connection sets WAL and leaves `synchronous` as Node.js has it, which is FULL: said here so that it stays so.
  backend.db.exec('pragma synchronous = full')
  const client = new OpenWorkflow({ backend })
  const flow = client.defineWorkflow({ name: 'flow' }, async ({ input: { id }, step }) => {
    for (let at = 0; at < steps; at++) await step.run({ name: `step ${at}` }, () => ({ step: at }))
    ended(id)
  })
  const worker = client.newWorker({ concurrency: Math.min(inFlight, concurrencyMax) })

  let waiting = 0
  let isClaiming = false
  const claim = async () => {
    if (isClaiming) return
    isClaiming = true
    while (waiting > 0) {
      // Not in one expression: flows are started while it claims.
      const claimed = await worker.tick()
      waiting -= claimed
      await setImmediate()
    }
    isClaiming = false
  }
  const one = async (id: string) => {
    const end = endOf(id)
    await flow.run({ id })
    waiting++
    void claim()
    await end
  }
  const rest = async () => {
    for (;;) {
      const { pending, running, failed } = await backend.countWorkflowRuns()
      if (failed > 0) throw new Error(`${failed} flows have failed`)
      if (pending + running === 0) return
      await setImmediate()
    }
  }
  const figures = await timed(span, inFlight, one, rest)
  await backend.stop()
  return figures
}
