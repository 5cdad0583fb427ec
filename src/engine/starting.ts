// The work of a start in the store, before anything is handled.
import { recordError } from '../model/errors.ts'
import type { Tx } from '../model/tx.ts'
import type { CommitFunction } from '../seam/commit.ts'
import type { Store } from '../seam/store.ts'
import type { World } from '../seam/world.ts'
import { appSource } from './envelopes.ts'
import { goneMediators, goneParts, type Line } from './part-changes.ts'
import type { EnginePlan } from './plan.ts'
import { renameLines, renamesOf } from './renames.ts'
import type { Rooms } from './rooms.ts'
import { subscribe } from './streams.ts'

const nothing = { append: [], progress: [], desk: [], marks: [] }

/**
 * Runs the `setup` of an app in a transaction of its own.
 *
 * @throws what `setup` throws; as `Store.commit`
 */
export async function setUp(
  setup: (tx: Tx) => unknown,
  { world, store }: { readonly world: Pick<World, 'log' | 'callback'>; readonly store: Pick<Store, 'commit'> },
): Promise<void> {
  const late = (error: unknown) => {
    const what = 'setup threw after it had ended'
    world.log('error', what, { code: 'millrace/late-error', error: recordError(error).message })
  }
  const run: CommitFunction['run'] = (tx) => world.callback({ late }, () => setup(tx))
  const fn = { label: 'setup', run, outcome: undefined as CommitFunction['outcome'] }
  // A function without an outcome is to be run again.
  while (fn.outcome === undefined) {
    const answer = await store.commit({ functions: [fn], changes: () => nothing, rolledBack: () => {} })
    if ('why' in answer) throw answer.why
  }
  if (!fn.outcome.ok) throw fn.outcome.error
}

/**
 * Takes the store over for the parts of a plan, with the renames of this start.
 *
 * @throws as `Leases.takeOver` and `renamesOf`
 */
export async function takeOver(plan: EnginePlan, store: Pick<Store, 'leases'>, world: Pick<World, 'log'>) {
  const source = appSource(plan.app)
  const sources = plan.destinations.map(({ kind, name, types }) => ({
    ...{ kind, name },
    publishes: types.map(({ name: type, version }) => ({ type, version, source })),
  }))
  const taken = await store.leases.takeOver(sources, (found) => renamesOf(plan, found))
  for (const line of renameLines(plan, taken.renamed)) world.log('info', ...line)
  return taken
}

/** The engine, as the take-up needs it beside the rooms. */
export interface TakeUpHost {
  readonly plan: Pick<EnginePlan, 'processors' | 'leftOut' | 'mediators' | 'tellsChanges'>
  readonly store: Pick<Store, 'progress' | 'flows' | 'log'>
  /** Takes a line about a part that is gone. */
  warn(line: Line): void
}

type TakenUp = Pick<Rooms, 'withdrawals' | 'consumers' | 'schedules' | 'committer' | 'streams'>

/** Finds what earlier runs have left in the store. */
export async function takeUp(rooms: TakenUp, host: TakeUpHost): Promise<void> {
  const { withdrawals, consumers, schedules, committer } = rooms
  const { store, plan } = host
  await withdrawals.takeUp()
  await consumers.takeUp()
  await takeUpOthers(rooms, host)
  await schedules.takeUp()
  if (plan.tellsChanges) await schedules.tellGone()
  // What was found running at the second death is at the desk before anything is taken from the log.
  await committer.alone(async () => {})
  await committer.alone(() => store.progress.clearMarks(plan.processors.map(({ name }) => name)))
}

/** Processors that are left out keep their place; a line tells of each part that is gone. */
async function takeUpOthers({ streams }: TakenUp, { store, plan, warn }: TakeUpHost): Promise<void> {
  const known = await store.progress.rows()
  if (plan.tellsChanges) {
    for (const line of goneParts(known, plan.processors, streams.all)) warn(line)
    const gone = await store.flows.takeUp.underWayByMediator(plan.mediators.map(({ name }) => name))
    for (const line of goneMediators(gone, plan.mediators)) warn(line)
  }
  const rows = new Set(known.map(({ processor, stream }) => `${stream} ${processor}`))
  for (const part of plan.leftOut) {
    const stream = streams.of(part.destination)
    if (!rows.has(`${stream} ${part.name}`)) await subscribe(store, part, stream)
  }
}
