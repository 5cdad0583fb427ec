// The conformance suite: the promises that every broker must keep.
import type { Broker } from '../../index.ts'
import { fault } from '../../model/errors.ts'
import { suggest } from '../../model/names.ts'
import { checkOptions } from '../../model/options.ts'
import { commitCases } from './commit.ts'
import { deliveryCases } from './delivery.ts'
import { holdCases } from './hold.ts'
import { lookCases } from './look.ts'
import { operateCases } from './operate.ts'
import { operationCases } from './operations.ts'
import { orderCases } from './order.ts'
import { publishCases } from './publish.ts'
import { renameCases } from './rename.ts'
import { restartCases } from './restart.ts'
import { type BrokerCase, caseMs } from './support.ts'
import { trialCases } from './trials.ts'

export type { BrokerCase }

/**
 * The cases of the conformance suite, for any test runner. {@link testBroker} declares them all as tests.
 *
 * @example
 * ```ts
 * for (const { name, run } of brokerCases.slice(0, 1)) {
 *   await run(sqlite({ file: 'conformance.db' }), 20_000)
 *   console.log(name)
 * }
 * ```
 */
export const brokerCases: readonly BrokerCase[] = [
  ...publishCases,
  ...deliveryCases,
  ...orderCases,
  ...holdCases,
  ...operationCases,
  ...trialCases,
  ...operateCases,
  ...restartCases,
  ...renameCases,
  ...commitCases,
  ...lookCases,
]

/** Options of {@link testBroker}. */
export interface TestBrokerOptions {
  /** The name of the broker under test; the name of each test begins with it. */
  readonly name: string
  /**
   * Opens a broker on a fresh, empty place at each call. A case starts several apps on it, one after the other: that is
   * a restart. The caller clears the place afterwards.
   */
  readonly open: () => Broker | Promise<Broker>
  /**
   * Named exceptions: promises that the broker cannot keep, by the name of the case, each with the reason. An excepted
   * case runs too, and fails when it passes, so that no exception outlives its reason.
   */
  readonly cannot?: Readonly<Record<string, string>> | undefined
  /** The `test` function of the runner, default that of `node:test`. */
  readonly test?: ((name: string, run: () => Promise<void>) => unknown) | undefined
  /** Time for one case, milliseconds, default 20,000. After it the case fails. */
  readonly withinMs?: number | undefined
}

const known = ['name', 'open', 'cannot', 'test', 'withinMs']

/**
 * Declares the conformance suite for a broker as tests: publishing, delivery, order per context, the desk, restarts,
 * commits. It uses the public API only. A broker that passes keeps the promises to apps.
 *
 * @param options the name, the function that opens a broker, its exceptions, the test function, and the time for one
 *   case
 * @throws `millrace/bad-option`, `millrace/unknown-option`
 *
 * @example
 * ```ts
 * const names: string[] = []
 * testBroker({
 *   name: 'sqlite',
 *   open: () => sqlite({ file: `conformance-${names.length}.db` }),
 *   test: (name) => names.push(name), // without it: that of node:test
 * })
 * console.assert(names.length === brokerCases.length)
 * ```
 */
export function testBroker(options: TestBrokerOptions): void {
  checkOptions('testBroker', options, known)
  const { name, open, cannot = {}, test = nodeTest(), withinMs = caseMs } = options
  if (typeof name !== 'string' || name === '') throw bad('name must say what is tested')
  if (typeof open !== 'function') throw bad('open must be a function that gives a broker on an empty place')
  if (typeof test !== 'function') throw bad('test must be the test function of the runner')
  if (!Number.isSafeInteger(withinMs) || withinMs < 1) throw bad('withinMs must be a whole number from 1')
  const names = brokerCases.map((one) => one.name)
  for (const [exception, reason] of Object.entries(cannot)) {
    if (!names.includes(exception)) throw bad(`cannot: no case is named "${exception}"${suggest(exception, names)}`)
    if (typeof reason !== 'string' || reason === '') throw bad(`cannot: "${exception}" needs a reason`)
  }
  for (const one of brokerCases) {
    const reason = Object.hasOwn(cannot, one.name) ? cannot[one.name] : undefined
    if (reason === undefined) test(`${name}: ${one.name}`, async () => one.run(await open(), withinMs))
    else {
      test(`${name} cannot: ${one.name} (${reason})`, async () => runException(one, await open(), withinMs))
    }
  }
}

/** Runs an excepted case, which must fail: one that passes is not an exception. */
async function runException(one: BrokerCase, broker: Broker, withinMs: number): Promise<void> {
  let passed: boolean
  try {
    await one.run(broker, withinMs)
    passed = true
  } catch {
    passed = false
  }
  if (passed) throw new Error(`"${one.name}" is named as an exception but passes: remove it`)
}

/** Imports `node:test` only when needed: the kit runs under any runner. */
function nodeTest(): NonNullable<TestBrokerOptions['test']> {
  const { test } = process.getBuiltinModule('node:test')
  return (name, run) => test(name, run)
}

function bad(what: string) {
  return fault('millrace/bad-option', `testBroker: ${what}`)
}
