import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))
const tsc = join(root, 'node_modules/typescript/bin/tsc')

/** Compiles one program in a folder of its own that has the package and its libraries, and gives what is said. */
function compile(program: string): { status: number | null; output: string } {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-types-'))
  try {
    mkdirSync(join(folder, 'node_modules'))
    symlinkSync(root, join(folder, 'node_modules/millrace'))
    symlinkSync(join(root, 'node_modules/zod'), join(folder, 'node_modules/zod'))
    symlinkSync(join(root, 'node_modules/@types'), join(folder, 'node_modules/@types'))
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
    writeFileSync(join(folder, 'program.ts'), program)
    const config = { extends: join(root, 'tsconfig.json'), include: ['program.ts'], exclude: [] }
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config))
    const { status, stdout, stderr } = spawnSync(process.execPath, [tsc, '-p', folder], { encoding: 'utf8' })
    return { status, output: stdout + stderr }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const head = `
  import { channel, command, event, processor, topic } from 'millrace'
  import { z } from 'zod'
  const Placed = event('order.placed', { schema: z.object({ id: z.string() }) })
  const Take = command('stock.take', { schema: z.object({}), reply: z.object({ left: z.number() }) })
  const Orders = topic('orders', [Placed])
  const Stock = channel('stock', [Take])`

test('a program that keeps the rules compiles', () => {
  const { status, output } = compile(`${head}
    processor('a', { on: Orders, publishes: [Placed], handle: { 'order.placed': (m, c) => c.publish(Placed, m.data) } })
    processor('b', { on: Stock, handle: { 'stock.take': () => ({ left: 1 }) } })`)
  assert.equal(output, '')
  assert.equal(status, 0)
})

test('compiler errors for a misuse name the mistake', () => {
  const { status, output } = compile(`${head}
    event('a', { schema: z.object({ a: z.string().default('x') }) })
    event('b', { schema: z.object({ b: z.date() }) })
    event('c', { schema: z.string().optional() })
    processor('d', { on: Orders, handle: { 'order.plcaed': () => {} } })
    processor('e', { on: Stock, handle: {} })
    processor('f', { on: Orders, handle: { 'order.placed': (m, c) => c.publish(Placed, m.data) } })`)
  assert.notEqual(status, 0)
  assert.match(output, /a message schema must not transform: input and output type differ/)
  assert.match(output, /message data must be plain JSON: no Date/)
  assert.match(output, /message data must not be undefined/)
  assert.match(output, /''order\.plcaed'' does not exist/)
  assert.match(output, /'"stock\.take"' is missing/)
  assert.match(output, /the processor may not do this: name the type in `publishes`/)
})
