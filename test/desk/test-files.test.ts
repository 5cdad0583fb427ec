// A failure as a test: the file fails as the message did, and passes after the fix.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { App } from 'millrace'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** A shop whose invoices cannot be written to customers without an address. */
const shop = (fix = false, trial = true) => `import { app, channel, command, processor, sqlite } from 'millrace'
import { z } from 'zod'

const Send = command('invoice.send', {
  schema: z.object({ customer: z.string(), cents: z.number(), note: z.string(), card: z.string() }),
  context: ({ customer }) => customer,
  secret: ['/card'],
})
const Invoices = channel('invoices', [Send])
const invoicing = processor('invoicing', {
  on: Invoices,
  retry: { attempts: 1 },
  trial: ${trial},
  handle: {
    'invoice.send': async ({ data: { customer, cents, card } }, { commit, read }) => {
      const [total] = await read<{ sum: bigint }>\`select 9007199254740993 as sum, x'0102' as seal, \${card} as card\`
      return commit(async (tx) => {
        const [to] = await tx.query<{ address: string | null }>\`select address from customers
          where name = \${customer} and \${card} <> ''\`
        ${fix ? 'if (to?.address === null) return' : ''}
        await tx.query\`insert into sent values (\${to!.address!.toUpperCase()}, \${cents})\`
        if (total!.sum !== 9007199254740993n) throw new Error('another sum')
      })
    },
  },
})
export { Send }
export default app({
  name: 'shop',
  version: '1.2',
  broker: sqlite({ file: new URL('shop.db', import.meta.url).pathname }),
  log: () => {},
  setup: async (tx) => {
    await tx.query\`create table if not exists customers (name text, address text)\`
    await tx.query\`create table if not exists sent (address text, cents int)\`
    await tx.query\`insert into customers values ('ada', null)\`
  },
  parts: [Invoices, invoicing],
})
`

async function failed(t: TestContext, trial = true) {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-test-file-'))
  t.after(() => rmSync(folder, { recursive: true }))
  mkdirSync(join(folder, 'test'))
  mkdirSync(join(folder, 'node_modules'))
  symlinkSync(root, join(folder, 'node_modules', 'millrace'))
  symlinkSync(join(root, 'node_modules', 'zod'), join(folder, 'node_modules', 'zod'))
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  writeFileSync(join(folder, 'app.ts'), shop(false, trial))
  const { default: app, Send } = (await import(pathToFileURL(join(folder, 'app.ts')).href)) as {
    default: App
    Send: never
  }
  await app.start({ control: false })
  t.after(() => app.stop())
  const data = { customer: 'ada', cents: 995, note: "it's \u202eodd\n*/ `x`", card: '4242 4242' }
  await app.send(Send, data as never, { id: 'i-7' })
  await app.idle()
  const [held] = await app.desk.list()
  return { folder, desk: app.desk, id: held!.id, error: held!.error!.message }
}

function runs(folder: string, name: string) {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  const args = ['--conditions=millrace-source', '--test', '--test-reporter=tap', join('test', name)]
  const { status, stdout } = spawnSync(process.execPath, args, { cwd: folder, env, encoding: 'utf8' })
  return { status, stdout }
}

test('a test made of a held message fails as that did, with the answers of its database, and passes after the fix', async (t) => {
  const { folder, desk, id, error } = await failed(t)
  const { name, text, answers } = await desk.test(id, { app: '../app.ts', by: 'ada' })
  assert.deepEqual([name, answers], [`invoicing-${id}.test.ts`, true])
  assert.match(text, /version 1\.2/)
  assert.doesNotMatch(text, /4242|\u202e/)
  writeFileSync(join(folder, 'test', name), text)
  const before = runs(folder, name)
  assert.equal(before.status, 1, before.stdout)
  assert(before.stdout.includes(error), before.stdout)
  writeFileSync(join(folder, 'app.ts'), shop(true))
  const after = runs(folder, name)
  assert.equal(after.status, 0, after.stdout)
  assert.match(after.stdout, /ok 1 - invoicing handles message 1: invoice.send ada/)
  assert.equal(readFileSync(join(folder, 'test', name), 'utf8'), text)
})

test('of a processor that cannot be tried the test has no answers, and says so; it runs all the same', async (t) => {
  const { folder, desk, id } = await failed(t, false)
  const { name, text, answers } = await desk.test(id, { app: '../app.ts' })
  assert.equal(answers, false)
  assert.match(text, /No answers were recorded: say `trial: true`/)
  writeFileSync(join(folder, 'test', name), text)
  assert.equal(runs(folder, name).status, 1)
  await assert.rejects(desk.test(99), { code: 'millrace/unknown-item' })
})
