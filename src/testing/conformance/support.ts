// Shared by the cases: a bank with moves of accounts, a processor that records what it handles, bounded waits.
import assert from 'node:assert/strict'
import { setImmediate as turn } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { nodeWorld } from '../../adapters/node/world.ts'
import { appIn } from '../../app/running.ts'
import {
  type App,
  type AppOptions,
  app,
  type Broker,
  defaults,
  type ErrorCode,
  event,
  isMillraceError,
  type Part,
  type Processor,
  type ProcessorOptions,
  processor,
  type Schema,
  type StartOptions,
  type Tx,
  topic,
} from '../../index.ts'
import type { Offline } from '../../seam/offline.ts'
import type { World } from '../../seam/world.ts'

/** One promise of a broker and the case that shows it. */
export interface BrokerCase {
  /** A sentence that states what holds. */
  readonly name: string
  /**
   * Resolves when the promise holds. Rejects when it does not, or when the case has not ended after `withinMs`
   * (milliseconds, default 20,000). Everything it started is then stopped.
   *
   * @param broker on a fresh, empty place
   */
  readonly run: (broker: Broker, withinMs?: number) => Promise<void>
}

/** Time for one case, milliseconds. */
export const caseMs = 20_000
/** Time for the apps of a case to stop at its end, milliseconds. */
const stopMs = 5_000
/** Time to find the progress of processors when a case has not ended, milliseconds. */
const lookMs = 1_000

export function brokerCase(name: string, run: (place: Place) => Promise<void>): BrokerCase {
  return { name, run: (broker, withinMs = caseMs) => runAt(new Place(broker), run, withinMs) }
}

async function runAt(place: Place, run: (place: Place) => Promise<void>, withinMs: number): Promise<void> {
  try {
    await within(withinMs, run(place), () => place.whereItIs(withinMs))
  } catch (error) {
    // Only the first failure is reported.
    await place.end().catch(() => {})
    throw error
  }
  await place.end()
}

/** Waits for `work`; after the time rejects with an error that explains why. */
async function within<T>(ms: number, work: Promise<T>, why: () => string | Promise<string>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), ms)
  })
  try {
    const ended = await Promise.race([work.then((value) => ({ value })), late])
    if (ended !== undefined) return ended.value
  } finally {
    clearTimeout(timer)
  }
  throw new Error(await why())
}

interface PlaceOptions extends Omit<Partial<AppOptions>, 'broker' | 'parts'>, Pick<StartOptions, 'only'> {
  /** Makes the world of the app of the real one: another clock, other timers. */
  readonly world?: ((real: World) => World) | undefined
}

const unnamed = 'a call has its result'

/** The place of one case: its broker, and the apps that it starts there one after the other. */
export class Place {
  private readonly broker: Broker
  private readonly apps = new Set<App>()
  private waitsFor = unnamed
  private over = false

  constructor(broker: Broker) {
    this.broker = broker
  }

  /** Starts an app with these parts and the table to which {@link write} writes. */
  async start(parts: readonly Part[], { only, world, ...options }: PlaceOptions = {}): Promise<App> {
    const made = app({ name: 'bank', broker: this.broker, log: () => {}, setup, ...options, parts })
    const bank = world === undefined ? made : appIn(made, world(nodeWorld(() => {})))
    this.apps.add(bank)
    await this.until('the app has started', bank.start({ control: false, only }))
    if (this.over) await bank.stop({ graceMs: 0 })
    return bank
  }

  /** The store without its app; undefined where the broker has no such way in. */
  get offline(): Offline | undefined {
    return this.broker.offline
  }

  async stop(bank: App, graceMs?: number): Promise<void> {
    await this.until('the app has stopped', bank.stop({ graceMs }))
    this.apps.delete(bank)
  }

  /** Waits until every accepted message has been handled or is held. */
  async idle(bank: App): Promise<void> {
    await this.until('the app is idle', bank.idle())
  }

  /** Waits for a promise; the error at the end of the case names what it waits for. */
  async until<T>(what: string, promise: Promise<T>): Promise<T> {
    this.waitsFor = what
    try {
      return await promise
    } finally {
      this.waitsFor = unnamed
    }
  }

  async end(): Promise<void> {
    this.over = true
    const stopped = Promise.all([...this.apps].map((bank) => bank.stop({ graceMs: 0 })))
    await within(stopMs, stopped, () => `the apps of the case have not stopped after ${stopMs} ms`)
  }

  async whereItIs(withinMs: number): Promise<string> {
    const looks = [...this.apps].map((bank) =>
      within(lookMs, processorsOf(bank), () => 'no answer').catch((error: Error) => error.message),
    )
    const processors = (await Promise.all(looks)).join('; ')
    return `the case has not ended after ${withinMs} ms, it still waits until ${this.waitsFor} (${processors})`
  }
}

async function processorsOf(bank: App): Promise<string> {
  const rows = await bank.processors.list()
  return rows
    .map(({ name, state, lag, running, held }) => `${name} is ${state}, lag ${lag}, running ${running}, held ${held}`)
    .join('; ')
}

const setup = (tx: Tx) =>
  tx.query`create table if not exists written (place bigint primary key, who text, account text, n bigint)`

// ── messages ─────────────────────────────────────────────────────────────────────────────────────────────────────

type Kinds = { string: string; number: number }

/** Makes a Standard Schema of an object with these fields, so that the kit needs no library for it. */
export function shape<const Fields extends Record<string, keyof Kinds>>(
  fields: Fields,
): Schema<{ -readonly [Name in keyof Fields]: Kinds[Fields[Name]] }> {
  type Data = { -readonly [Name in keyof Fields]: Kinds[Fields[Name]] }
  const validate = (value: unknown) => {
    const given = (typeof value === 'object' ? value : null) ?? {}
    const entries = Object.keys(fields).map((name) => [name, (given as Record<string, unknown>)[name]] as const)
    const wrong = entries.filter(([name, field]) => typeof field !== fields[name])
    if (wrong.length === 0) return { value: Object.fromEntries(entries) as Data }
    return { issues: wrong.map(([name]) => ({ message: `must be a ${fields[name]}`, path: [name] })) }
  }
  return { '~standard': { version: 1, vendor: 'millrace', validate } }
}

/** The n-th move of an account. */
export const move = shape({ account: 'string', n: 'number' })
export interface Move {
  readonly account: string
  readonly n: number
}

export const Moved = event('moved', { schema: move, context: ({ account }) => account })
export const Moves = topic('moves', [Moved])

/** Makes names of accounts. */
export const accounts = (count: number): string[] => upTo(count).map((n) => `a${n}`)
/** Counts 0, 1, … below `count`, or from `first` on. */
export const upTo = (count: number, first = 0): number[] => Array.from({ length: count - first }, (_, n) => first + n)

/** Publishes these moves of each account, in order. */
export async function publish(bank: App, of: readonly string[], numbers: readonly number[]): Promise<void> {
  const accepted: Promise<unknown>[] = []
  for (const n of numbers) for (const account of of) accepted.push(bank.publish(Moved, { account, n }))
  await Promise.all(accepted)
}

// ── what was handled ─────────────────────────────────────────────────────────────────────────────────────────────

/** Numbers the commit functions in order, independent of the numbering of the store. */
let places = 0

/** Records a move in the transaction of its commit. */
export const write = (tx: Tx, who: string, { account, n }: Move) =>
  tx.query`insert into written (place, who, account, n) values (${++places}, ${who}, ${account}, ${n})`

export interface LedgerOptions extends Partial<Omit<ProcessorOptions<typeof Moved, [], []>, 'handle'>> {
  /** Runs before the commit; its error fails the attempt. */
  readonly before?: ((move: Move) => unknown) | undefined
}

/** Two attempts, close together. */
export const twice = { attempts: 2, firstDelayMs: 1, maxDelayMs: 2 }

/** Makes a processor that records each move in its commit. */
export function ledger(name: string, { before = () => {}, ...options }: LedgerOptions = {}): Processor {
  return processor(name, {
    on: Moves,
    retry: twice,
    // Many lanes fail at once here, each by itself and not for a shared cause.
    probeAfter: defaults.probeAfter.max,
    ...options,
    handle: {
      moved: async ({ data }, { commit }) => {
        await before(data)
        return commit((tx) => write(tx, name, data))
      },
    },
  })
}

/** The numbers of moves by account. */
export type Lanes = ReadonlyMap<string, readonly number[]>

export const lanes = (of: readonly string[], numbers: readonly number[]): Lanes =>
  new Map(of.map((account) => [account, numbers]))

/** Reads the moves that one processor recorded, in order. */
async function written(bank: App, who: string): Promise<Map<string, number[]>> {
  const rows = await bank.read<{ account: string; n: number }>`
    select account, n from written where who = ${who} order by place`
  const found = new Map<string, number[]>()
  for (const { account, n } of rows) {
    const numbers = found.get(account)
    if (numbers === undefined) found.set(account, [n])
    else numbers.push(n)
  }
  return found
}

/** Fails unless one processor has recorded exactly this, each account in order. */
export async function assertWritten(bank: App, who: string, expected: Lanes): Promise<void> {
  const got = await written(bank, who)
  const wrong: string[] = []
  for (const account of new Set([...expected.keys(), ...got.keys()])) {
    const difference = differs(got.get(account) ?? [], expected.get(account) ?? [])
    if (difference !== undefined) wrong.push(`account ${JSON.stringify(account)} ${difference}`)
  }
  const many = `${wrong.length} of ${expected.size} accounts are wrong`
  assert(wrong.length === 0, `what processor "${who}" has written: ${many}: ${shown(wrong, '; ')}`)
}

/** Describes the differences of a list, in words; undefined when there are none. Expected numbers are distinct. */
export function differs(got: readonly number[], expected: readonly number[]): string | undefined {
  if (isDeepStrictEqual(got, expected)) return undefined
  const times = new Map<number, number>()
  for (const n of got) times.set(n, (times.get(n) ?? 0) + 1)
  const missing = expected.filter((n) => !times.has(n))
  const repeated = expected.filter((n) => times.get(n)! > 1)
  const foreign = [...times.keys()].filter((n) => !expected.includes(n))
  const what: string[] = []
  if (missing.length > 0) what.push(`lacks ${shown(missing)}`)
  if (repeated.length > 0) what.push(`has ${shown(repeated)} more than once`)
  if (foreign.length > 0) what.push(`should not have ${shown(foreign)}`)
  if (what.length > 0) return what.join(', ')
  const first = got.findIndex((n, index) => n !== expected[index])
  return `is out of order: ${got[first]} comes where ${expected[first]} should`
}

const shownMax = 5

function shown(values: readonly unknown[], between = ', '): string {
  const more = values.length > shownMax ? ` and ${values.length - shownMax} more` : ''
  return values.slice(0, shownMax).join(between) + more
}

/** Returns the only held message. */
export async function onlyHeld(bank: App) {
  const held = await bank.desk.list({ states: ['held'] })
  assert.equal(held.length, 1, `one message is held, not ${held.length}`)
  return held[0]!
}

export async function assertDesk(bank: App, expected: { held: number; waiting: number }): Promise<void> {
  const { held, waiting } = await bank.desk.counts()
  assert.deepEqual({ held, waiting }, expected, 'what is held at the desk, and what waits in line')
}

/** Tests for an error with that code, for `assert.rejects`. */
export function coded(code: ErrorCode): (error: unknown) => boolean {
  return (error) => {
    assert(isMillraceError(error, code), `an error with code ${code}, not ${String(error)}`)
    return true
  }
}

// ── time ──────────────────────────────────────────────────────────────────────────────────────────────

/** Lets other code run, turn by turn. */
export async function turns(count: number): Promise<void> {
  for (let done = 0; done < count; done++) await turn()
}

/** Returns a time after all published messages and before all later ones. */
export async function betweenMessages(): Promise<Date> {
  const later = async (ms: number) => {
    while (Date.now() <= ms) await turn()
  }
  await later(Date.now())
  const between = new Date()
  await later(between.getTime())
  return between
}
