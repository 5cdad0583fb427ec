// Every example of a doc comment is type-checked and run, and everything public has one.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { after } from 'node:test'
import type { App, FlowRow, Part } from 'millrace'
import { simulation } from 'millrace/testing'
import {
  bareExamples,
  commentsOf,
  type Example,
  examples,
  incomplete,
  kindOf,
  methodsOf,
  needed,
  programOf,
  root,
  signatureOf,
  uncommented,
} from './examples/collect.ts'
import { declared, delivery, OrderPaid, OrderPlaced, order, served, startedShop, tables } from './examples/prelude.ts'

const all = examples()

// An example that is wrong fails its test.
console.assert = (holds, ...what) => assert(holds, what.join(' ') || 'console.assert failed')

test('every public function, and every method that people call, has an example', () => {
  const have = new Set(all.map(({ of }) => of))
  assert.deepEqual(
    needed().filter((name) => !have.has(name)),
    [],
    'write an @example with a block of code in its doc comment',
  )
})

test('everything public has a comment', () => {
  assert.deepEqual(uncommented(), [])
})

test('the comment of each public function and method names its parameters and its result', () => {
  assert.deepEqual(incomplete(), [])
})

test('every @example has a block of code', () => {
  assert.deepEqual(bareExamples(), [])
})

test('the collector of examples finds comments, methods and owners', () => {
  const text = `/** One. */
export interface Shop<T> {
  readonly name: string
  /** Two. */
  open<A>(
    at: number,
  ): void
  readonly read: Query
}

/** Three. */
// biome-ignore lint/x: so
export async function* go(): void {
  inner(x)
}
`
  assert.deepEqual(
    [...commentsOf(text)].filter(([, comment]) => comment !== ''),
    [
      ['Shop', '/** One. */'],
      ['Shop.open', '  /** Two. */'],
      ['go', '/** Three. */'],
    ],
  )
  assert.deepEqual(methodsOf(text, 'Shop'), ['open', 'read'])
  assert.deepEqual(
    signatureOf(
      'open<A extends { a: 1 }>(at: number, fn: (one: A) => void = () => {}, ...rest: A[]): Promise<void>\n x',
    ),
    {
      parameters: ['at', 'fn', 'rest'],
      result: 'Promise<void>',
    },
  )
})

// Inside the repository, so that the imports are found.
const folder = mkdtempSync(join(root, '.examples-'))
after(() => rmSync(folder, { recursive: true, force: true }))
const fileOf = (at: number) => join(folder, `${at}.ts`)
for (const [at, one] of all.entries()) writeFileSync(fileOf(at), `// ${one.of}, ${one.file}\n${programOf(one)}`)

test('all examples fit the types', () => {
  const compilerOptions = { noUnusedLocals: false, noUnusedParameters: false }
  const config = { extends: '../tsconfig.json', compilerOptions, include: ['*.ts'], exclude: [] }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config))
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  const { status, stdout, stderr } = spawnSync(process.execPath, [tsc, '-p', folder], { cwd: folder, encoding: 'utf8' })
  const named = stdout.replace(/^(\S*?)(\d+)\.ts/gm, (_, _folder, at) => `${all[Number(at)]?.of} (${at}.ts)`)
  assert.equal(status, 0, named + stderr)
})

/** A place of its own, so that an example may name a file without a folder. */
async function inOwnFolder(run: () => Promise<unknown>): Promise<void> {
  const own = mkdtempSync(join(tmpdir(), 'millrace-example-'))
  const before = process.cwd()
  process.chdir(own)
  try {
    await run()
  } finally {
    process.chdir(before)
    rmSync(own, { recursive: true, force: true })
  }
}

/** Runs a program with a started app, if it uses one. */
async function program(one: Example, example: (shop: App) => Promise<unknown>): Promise<void> {
  await inOwnFolder(async () => {
    mkdirSync('backups')
    const shop = /\bshop\b/.test(one.code) && !/const shop\b/.test(one.code) ? await startedShop() : undefined
    try {
      await example(shop as App)
    } finally {
      await shop?.stop()
    }
  })
}

/** An order comes, is paid for, and whoever is asked says yes; nothing may fail. */
async function part(example: Part, isFlow: boolean): Promise<void> {
  await using sim = simulation({ parts: [...declared, ...served, delivery, example], setup: tables })
  await sim.publish(OrderPlaced, { ...order, quantity: 3 })
  await sim.publish(OrderPaid, { orderId: order.orderId, pence: 995 })
  // Flows that have ended are kept for some days only.
  const seen = new Map<number, FlowRow>()
  for (let days = 0; days < 10; days++) {
    await sim.untilIdle()
    for (const flow of await sim.flows.list()) seen.set(flow.id, flow)
    for (const { flow, step } of sim.questions()) await sim.flows.answer(flow, step, { yes: true })
    await sim.advance(24 * 3_600_000)
  }
  assert.deepEqual(
    sim.held().map(({ error }) => error?.message),
    [],
  )
  const flows = [...seen.values()]
  const wrong = flows.filter(({ state }) => state !== 'completed')
  assert.deepEqual(
    wrong.map(({ mediator, state, error }) => [mediator, state, error?.message]),
    [],
  )
  if (isFlow) assert(flows.some(({ mediator }) => mediator === 'example'))
}

for (const [at, one] of all.entries()) {
  if (one.onlyCompiled !== undefined) continue
  test(`the example of ${one.of} runs`, { timeout: 60_000 }, async () => {
    const { example } = await import(fileOf(at))
    const kind = kindOf(one)
    const isPart = kind === 'handler' || kind === 'flow' || kind === 'route'
    await (isPart ? part(example, kind === 'flow') : program(one, example))
  })
}
