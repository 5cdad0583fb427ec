// Makes the plan of one run from the parts of an app and the options of its start.

import type { EnginePlan } from '../engine/plan.ts'
import type { EngineLimits } from '../engine/spec.ts'
import type { Watching } from '../model/attempt-end.ts'
import { fault } from '../model/errors.ts'
import { suggest } from '../model/names.ts'
import { defaults } from '../model/options.ts'
import type { Processor } from '../parts/processor.ts'
import { runsWith } from '../parts/processors.ts'
import { scheduleSpecOf, specOf, type Wiring } from '../parts/wiring.ts'
import type { AppOptions } from './options.ts'

/** The app, as a plan needs it. */
export interface Given {
  readonly options: Pick<AppOptions, 'name' | 'version' | 'setup' | 'finder' | 'telemetry'>
  readonly numbers: Omit<EngineLimits, 'flushBytes'>
  readonly accepted: EnginePlan['accepted']
}

/** The options of a start, as a plan needs them. */
export interface Wanted {
  readonly only: readonly string[] | undefined
  readonly waitMs: number
  readonly watching?: Watching | undefined
  /** Whether the finder runs where the app does not say. */
  readonly finder?: boolean | undefined
}

/**
 * Makes the plan of one run.
 *
 * @throws `millrace/unknown-part` when `only` names a part that the app does not have
 */
export function planOf(
  given: Given,
  wiring: Wiring,
  { only, waitMs, watching, ...more }: Wanted,
): Omit<EnginePlan, 'failed'> {
  const { name: app, version, setup, finder = more.finder ?? false, telemetry = true } = given.options
  const { processors, schedules, mediators, destinations, desks } = wiring
  const spec = (processor: Processor) => specOf(processor, desks)
  const names = [...new Set([...processors, ...mediators, ...schedules].map(({ name }) => name))]
  for (const name of only ?? []) {
    if (names.includes(name)) continue
    throw fault('millrace/unknown-part', `app "${app}" has no part "${name}" that runs${suggest(name, names)}`)
  }
  const runs = runsWith(only)
  return {
    app,
    version,
    setup,
    finder,
    telemetry,
    limits: { ...given.numbers, flushBytes: defaults.flushBytes.default },
    accepted: given.accepted,
    destinations,
    processors: processors.filter(runs).map(spec),
    leftOut: processors.filter((processor) => !runs(processor)).map(spec),
    schedules: schedules.filter(runs).map(scheduleSpecOf),
    mediators: mediators.filter(runs).map((mediator) => mediator.spec),
    others: [...mediators.map(({ kind, spec }) => ({ ...spec, kind })), ...schedules],
    alerts: processors.filter(runs).flatMap(({ name, watch }) => (watch === undefined ? [] : { name, watch })),
    tellsChanges: only === undefined,
    waitMs,
    watching,
  }
}
