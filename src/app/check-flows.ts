import { printLog } from '../adapters/node/print-log.ts'
import { nodeWorld } from '../adapters/node/world.ts'
import { type CheckedFlow, checkJournals } from '../engine/flow/check.ts'
import { fault } from '../model/errors.ts'
import { checkOptions } from '../model/options.ts'
import { typesOf } from '../operate/rows.ts'
import type { StoreFile } from '../seam/file.ts'
import type { App } from './app.ts'

/** Options of {@link checkFlows}. */
export interface CheckFlowsOptions {
  /** The file whose flows are checked; default: the file of the app's broker. A copy of it works too. */
  readonly file?: StoreFile | undefined
  /** Whether flows that have ended and are still kept are checked too. Default false. */
  readonly all?: boolean | undefined
}

/**
 * Checks before a deployment whether flows can continue with the code of an app: it replays their journals and does
 * nothing else. The app need not be started, and another process may have the file.
 *
 * @param app the app with the new code
 * @param options the file, and whether ended flows count
 * @returns a row for each flow, the oldest first; `result` is `fits`, `differs` or `unknown`
 * @throws `millrace/no-file` when the broker has no file; `millrace/no-app` when the file does not exist;
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
  checkOptions('checkFlows', options, ['file', 'all'])
  const { file = app.broker.file, all = false } = options
  if (file === undefined) throw fault('millrace/no-file', `the broker of app "${app.name}" is no file`)
  const types = typesOf(app.parts)
  const specs = app.parts.flatMap((part) => (part.kind === 'mediator' ? [part.spec] : []))
  const started = new Map(specs.map(({ startedBy }) => [startedBy.name, startedBy]))
  const code = {
    mediators: new Map(specs.map((spec) => [spec.name, spec])),
    typeOf: (name: string) => types.get(name)?.type ?? started.get(name),
  }
  const world = nodeWorld(printLog)
  const reader = file.read(file.owner() !== undefined)
  const stopListening = world.listen()
  try {
    yield* checkJournals(code, { reads: reader.flows, world, all })
  } finally {
    stopListening()
    reader.close()
  }
}
