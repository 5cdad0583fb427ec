import { printLog } from '../adapters/node/print-log.ts'
import { nodeWorld } from '../adapters/node/world.ts'
import { type CheckedFlow, checkJournals } from '../engine/flow/check.ts'
import { checkOptions } from '../model/options.ts'
import { offlineOf } from '../operate/offline.ts'
import { typesOf } from '../operate/rows.ts'
import type { Broker } from '../seam/store.ts'
import type { App } from './app.ts'

/** Options of {@link checkFlows}. */
export interface CheckFlowsOptions {
  /** The broker whose flows are checked, such as `sqlite({ file: 'copy.db' })`; default: the broker of the app. */
  readonly broker?: Broker | undefined
  /** True to check flows too that have ended and are still kept. Default false. */
  readonly all?: boolean | undefined
}

/**
 * Checks before a deployment whether flows can continue with the code of an app: it replays their journals and does
 * nothing else. The app need not be started, and another process may have the store.
 *
 * @param app the app with the new code
 * @param options the broker, and whether ended flows count
 * @returns a row for each flow, the oldest first; `result` is `fits`, `differs` or `unknown`
 * @throws `millrace/no-file` when the broker can be read by its app only; `millrace/no-app` when there is no store;
 *   `millrace/foreign-file`, `millrace/foreign-wal`, `millrace/newer-file`, `millrace/corrupt-file`,
 *   `millrace/cannot-open`, `millrace/unknown-option`
 *
 * @example
 * ```ts
 * for await (const { flow, result, misfit } of checkFlows(shop)) {
 *   if (result === 'differs') console.log(`flow ${flow}: ${misfit?.message}`)
 * }
 * ```
 */
export async function* checkFlows(app: App, options: CheckFlowsOptions = {}): AsyncGenerator<CheckedFlow> {
  checkOptions('checkFlows', options, ['broker', 'all'])
  const { broker = app.broker, all = false } = options
  const store = offlineOf(app.name, broker)
  const types = typesOf(app.parts)
  const specs = app.parts.flatMap((part) => (part.kind === 'mediator' ? [part.spec] : []))
  const started = new Map(specs.map(({ startedBy }) => [startedBy.name, startedBy]))
  const code = {
    mediators: new Map(specs.map((spec) => [spec.name, spec])),
    typeOf: (name: string) => types.get(name)?.type ?? started.get(name),
  }
  const world = nodeWorld(printLog)
  const reader = await store.read((await store.owner()) === undefined ? 'stopped' : 'running')
  const stopListening = world.listen()
  try {
    yield* checkJournals(code, { reads: reader.flows, world, all })
  } finally {
    stopListening()
    await reader.close()
  }
}
