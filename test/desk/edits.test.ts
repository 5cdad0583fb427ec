// Corrections: the shape of data, edits that are checked without effect, and edits that say only what is different.
import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { type ChangeList, channel, command, processor } from 'millrace'
import { z } from 'zod'
import { bank, history } from './support.ts'

const ann = { by: 'ann', reason: 'so it is' }

const Pay = command('pay', {
  schema: z.object({ account: z.string(), price: z.number(), sku: z.string().min(3), iban: z.string() }),
  context: ({ account }) => account,
  secret: ['/iban'],
})
const Old = command('old', {
  schema: { '~standard': { version: 1, vendor: 'own', validate: (value: unknown) => ({ value }) } },
})
const Pays = channel('pays', [Pay, Old])

/** A till that takes the article `sieve` alone. */
async function till(t: TestContext) {
  const taken: unknown[] = []
  const part = processor('till', {
    on: Pays,
    retry: { attempts: 1 },
    handle: {
      pay: ({ data }) => {
        if (data.sku !== 'sieve') throw new Error(`no article ${data.sku}`)
        taken.push(data)
      },
      old: () => {
        throw new Error('no')
      },
    },
  })
  const sim = bank(t, [Pays, part])
  const pay = (sku: string) => sim.send(Pay, { account: 'a', price: 1.5, sku, iban: 'DE-4242' })
  await pay('sive')
  await sim.untilIdle()
  const { id, revision } = sim.held()[0]!
  return { sim, desk: sim.app.desk, pay, id, revision, taken }
}

const respelt: ChangeList = [{ op: 'replace', path: '/sku', value: 'sieve' }]

test('the shape of data is the JSON Schema of the type; where there is none the reason is said', async (t) => {
  const { sim, desk, id } = await till(t)
  const form = await sim.settled(desk.form(id))
  assert.deepEqual([form.type, form.version, form.why, form.secret], ['pay', 1, null, ['/iban']])
  const { properties } = form.schema as { properties: Record<string, unknown> }
  assert.deepEqual(properties['sku'], { type: 'string', minLength: 3 })
  await sim.send(Old, 1)
  await sim.untilIdle()
  const old = sim.held().find(({ message }) => message.type === 'old')!
  const none = await sim.settled(desk.form(old.id))
  assert.deepEqual([none.schema, none.why], [null, 'a schema of own gives no JSON Schema by itself'])
  await assert.rejects(sim.settled(desk.form(99)), { code: 'millrace/unknown-item' })
})

test('a check gives the result of an edit, or the reason and place of its refusal, and changes nothing', async (t) => {
  const { sim, desk, id, revision } = await till(t)
  const before = [sim.rows('millrace_desk'), sim.rows('millrace_audit')]
  const text = '{"account":"a","price":1.5,"sku":"sive","iban":"DE-4242"}'
  assert.deepEqual(await sim.settled(desk.check(id, { change: respelt })), {
    ...{ item: id, revision, type: 'pay', before: text },
    ...{ after: text.replace('sive', 'sieve'), error: null, misfits: [] },
  })
  const whole = { account: 'a', price: 2, sku: 'sieve', iban: 'x' }
  const { after } = await sim.settled(desk.check(id, { data: whole }))
  assert.deepEqual(JSON.parse(after!), whole)
  for (const edit of [
    { change: [{ op: 'replace', path: '/sku', value: 's' }] as const },
    { data: { ...whole, sku: 's' } },
  ]) {
    const { after: none, error, misfits } = await sim.settled(desk.check(id, edit))
    assert.deepEqual([none, error?.code, misfits.map(({ pointer }) => pointer)], [null, 'millrace/bad-data', ['/sku']])
  }
  const moved = await sim.settled(desk.check(id, { data: { ...whole, account: 'b' } }))
  assert.deepEqual([moved.error?.code, moved.misfits], ['millrace/context-changed', []])
  const lost = await sim.settled(desk.check(id, { change: [{ op: 'remove', path: '/none' }] }))
  assert.equal(lost.error?.code, 'millrace/change-does-not-fit')
  for (const edit of [{}, { data: 1, change: respelt }]) {
    await assert.rejects(sim.settled(desk.check(id, edit)), { code: 'millrace/bad-option' })
  }
  await assert.rejects(sim.settled(desk.check(99, { data: 1 })), { code: 'millrace/unknown-item' })
  assert.deepEqual([sim.rows('millrace_desk'), sim.rows('millrace_audit')], before)
})

test('a change leaves all else as it is, on the revision that was seen, and is on record', async (t) => {
  const { sim, desk, id, revision, taken } = await till(t)
  await assert.rejects(sim.settled(desk.change(id, respelt, { ...ann, revision: revision - 1 })), {
    code: 'millrace/stale-revision',
  })
  await assert.rejects(sim.settled(desk.change(id, [{ op: 'remove', path: '/none' }], ann)), {
    code: 'millrace/change-does-not-fit',
  })
  await assert.rejects(sim.settled(desk.change(id, respelt, { by: 'ann' })), { code: 'millrace/bad-option' })
  await sim.settled(desk.change(id, respelt, { ...ann, revision }))
  await sim.untilIdle()
  assert.deepEqual(taken, [{ account: 'a', price: 1.5, sku: 'sieve', iban: 'DE-4242' }])
  assert((await history(sim, id)).includes('resubmitted by ann: so it is'))
})

test('a mask does not become the value of a secret, by data, by a change list, in line', async (t) => {
  const { sim, desk, pay, id } = await till(t)
  await pay('seve')
  await sim.untilIdle()
  const [next] = await sim.settled(desk.line(id))
  const data = { account: 'a', price: 1.5, sku: 'sieve', iban: '***' }
  const change = [{ op: 'replace', path: '/iban', value: '***' }] as const
  for (const item of [id, next!.id]) {
    await assert.rejects(sim.settled(desk.resubmit(item, data, ann)), { code: 'millrace/masked' })
    await assert.rejects(sim.settled(desk.change(item, change, ann)), { code: 'millrace/masked' })
    assert.equal(((await sim.settled(desk.show(item)))!.data as { iban: string }).iban, 'DE-4242')
  }
})

test('a message in line is changed before its turn, and keeps its place', async (t) => {
  const { sim, desk, pay, id, taken } = await till(t)
  await pay('seve')
  await sim.untilIdle()
  const [next] = await sim.settled(desk.line(id))
  await sim.settled(desk.change(next!.id, respelt, ann))
  await sim.settled(desk.change(id, respelt, ann))
  await sim.untilIdle()
  assert.equal(taken.length, 2)
  assert((await history(sim, next!.id)).includes('corrected by ann: so it is'))
})
