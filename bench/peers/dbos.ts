import { timed } from '../measure.ts'
import { onDatabase } from '../postgres-server.ts'
import type { Figures, FlowLoad, Span } from '../task.ts'
import { load as loadPeer } from './load.ts'

/** What the bench uses of DBOS. */
interface Dbos {
  DBOS: {
    setConfig(config: object): void
    launch(): Promise<void>
    shutdown(): Promise<void>
    registerWorkflow(run: (id: string) => Promise<void>, options: { name: string }): (id: string) => Promise<void>
    startWorkflow(run: (id: string) => Promise<void>): (id: string) => Promise<{ getResult(): Promise<void> }>
    runStep(step: () => Promise<unknown>, options: { name: string }): Promise<unknown>
  }
}

const silent = { info: () => {}, debug: () => {}, warn: () => {}, error: console.error }

/**
 * DBOS: a workflow of steps that is called as a function, so that its end is told in this process. Each step is a function
 * of the workflow, whose result is written; it calls no other service, so it does less than a command.
 */
export function dbosFlows({ steps, inFlight, ...span }: FlowLoad & Span): Promise<Figures> {
  return onDatabase(async (systemDatabaseUrl) => {
    const { DBOS } = await loadPeer<Dbos>('@dbos-inc/dbos-sdk')
    DBOS.setConfig({
      ...{ name: 'bench', systemDatabaseUrl, systemDatabasePoolSize: 20 },
      ...{ runAdminServer: false, logger: silent, enableOTLP: false },
    })
    const flow = DBOS.registerWorkflow(
      async () => {
        for (let at = 0; at < steps; at++) await DBOS.runStep(async () => ({ step: at }), { name: `step ${at}` })
      },
      { name: 'flow' },
    )
    await DBOS.launch()
    const figures = await timed(span, inFlight, flow, async () => {})
    await DBOS.shutdown()
    return figures
  })
}
