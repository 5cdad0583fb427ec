// What the cases share: a bank whose accounts move, a processor that writes down what it handles, waiting with an end.
import assert from 'node:assert/strict'
import { setImmediate as turn } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
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

/** One promise of a broker and what shows it. */
export interface BrokerCase {
  /** A sentence: what holds. */
  readonly name: string
  /**
   * Resolves when it holds, rejects when it does not or when it has not ended after `withinMs` (milliseconds, default
   * 20,000). What it started is stopped then.
   *
   * @param broker on a fresh, empty place
   */
  readonly run: (broker: Broker, withinMs?: number) => Promise<void>
}

/** Time for one case, milliseconds. */
export const caseMs = 20_000
/** Time for the apps of a case to stop at its end, milliseconds. */
const stopMs = 5_000
/** Time to find out how far processors are when a case has not ended, milliseconds. */
const lookMs = 1_000

export function brokerCase(name: string, run: (place: Place) => Promise<void>): BrokerCase {
  return { name, run: (broker, withinMs = caseMs) => runAt(new Place(broker), run, withinMs) }
}

async function runAt(place: Place, run: (place: Place) => Promise<void>, withinMs: number): Promise<void> {
  try {
    await within(withinMs, run(place), () => place.whereItIs(withinMs))
  } catch (error) {
    // The first failure is the one to tell.
    await place.end().catch(() => {})
    throw error
  }
  await place.end()
}

/** What `work` gives, or an error that says why when it has not ended in time. */
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

type PlaceOptions = Omit<Partial<AppOptions>, 'broker' | 'parts'> & Pick<StartOptions, 'only'>

const unnamed = 'a call has its result'

/** Where one case runs: its broker, and the apps it starts there one after the other. */
export class Place {
  private readonly broker: Broker
  private readonly apps = new Set<App>()
  private waitsFor = unnamed
  private over = false

  constructor(broker: Broker) {
    this.broker = broker
  }

  /** A running app with these parts and the table that {@link write} writes to. */
  async start(parts: readonly Part[], { only, ...options }: PlaceOptions = {}): Promise<App> {
    const bank = app({ name: 'bank', broker: this.broker, log: () => {}, setup, ...options, parts })
    this.apps.add(bank)
    await this.until('the app has started', bank.start({ control: false, only }))
    if (this.over) await bank.stop({ graceMs: 0 })
    return bank
  }

  async stop(bank: App, graceMs?: number): Promise<void> {
    await this.until('the app has stopped', bank.stop({ graceMs }))
    this.apps.delete(bank)
  }

  /** Waits until all that was accepted has been handled or is held. */
  async idle(bank: App): Promise<void> {
    await this.until('the app is idle', bank.idle())
  }

  /** Waits; what for is told when the time of the case is over. */
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
  tx.query`create table if not exists written (place integer primary key, who text, account text, n integer)`

// ── messages ─────────────────────────────────────────────────────────────────────────────────────────────────────

type Kinds = { string: string; number: number }

/** A Standard Schema of an object with these fields, so that the kit needs no library for it. */
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

/** Names of accounts. */
export const accounts = (count: number): string[] => upTo(count).map((n) => `a${n}`)
/** 0, 1, … below `count`, or from `first` on. */
export const upTo = (count: number, first = 0): number[] => Array.from({ length: count - first }, (_, n) => first + n)

/** Publishes these moves of each account, in order. */
export async function publish(bank: App, of: readonly string[], numbers: readonly number[]): Promise<void> {
  const accepted: Promise<unknown>[] = []
  for (const n of numbers) for (const account of of) accepted.push(bank.publish(Moved, { account, n }))
  await Promise.all(accepted)
}

// ── what was handled ─────────────────────────────────────────────────────────────────────────────────────────────

/** In the order of the commit functions, whatever the store numbers by itself. */
let places = 0

/** Writes down a move in the transaction of its commit. */
export const write = (tx: Tx, who: string, { account, n }: Move) =>
  tx.query`insert into written (place, who, account, n) values (${++places}, ${who}, ${account}, ${n})`

export interface LedgerOptions extends Partial<Omit<ProcessorOptions<typeof Moved, [], []>, 'handle'>> {
  /** Runs before the commit; what it throws fails the attempt. */
  readonly before?: ((move: Move) => unknown) | undefined
}

/** Two attempts, close together. */
export const twice = { attempts: 2, firstDelayMs: 1, maxDelayMs: 2 }

/** A processor that writes down each move in its commit. */
export function ledger(name: string, { before = () => {}, ...options }: LedgerOptions = {}): Processor {
  return processor(name, {
    on: Moves,
    retry: twice,
    // Many lanes fail at once here by themselves, not by something they share.
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

/** Numbers by account. */
export type Lanes = ReadonlyMap<string, readonly number[]>

export const lanes = (of: readonly string[], numbers: readonly number[]): Lanes =>
  new Map(of.map((account) => [account, numbers]))

/** What is written down by one processor, in order. */
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

/** Fails unless one processor has written down just this, each account in order. */
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

/** What is wrong with a list, in words; undefined when it is just what is expected. Expected numbers differ. */
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

/** The one message that is held. */
export async function onlyHeld(bank: App) {
  const held = await bank.desk.list({ states: ['held'] })
  assert.equal(held.length, 1, `one message is held, not ${held.length}`)
  return held[0]!
}

export async function assertDesk(bank: App, expected: { held: number; waiting: number }): Promise<void> {
  const { held, waiting } = await bank.desk.counts()
  assert.deepEqual({ held, waiting }, expected, 'what is held at the desk, and what waits in line')
}

/** For `assert.rejects`: an error of that code. */
export function coded(code: ErrorCode): (error: unknown) => boolean {
  return (error) => {
    assert(isMillraceError(error, code), `an error with code ${code}, not ${String(error)}`)
    return true
  }
}

// ── time ──────────────────────────────────────────────────────────────────────────────────────────────

/** Gives others their turn. */
export async function turns(count: number): Promise<void> {
  for (let done = 0; done < count; done++) await turn()
}

/** A time after all that was published and before all that will be. */
export async function betweenMessages(): Promise<Date> {
  const later = async (ms: number) => {
    while (Date.now() <= ms) await turn()
  }
  await later(Date.now())
  const between = new Date()
  await later(between.getTime())
  return between
}
