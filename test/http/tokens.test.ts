// Tokens that are kept with the app: made, used, listed and revoked, while it runs and while it does not.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import test from 'node:test'
import { tokenPattern } from '../../src/operate/token.ts'
import { appFile, begin, linesOf, millrace, objectsOf } from '../cli/support/millrace.ts'
import { client } from '../support/http-client.ts'
import { coded, place, started } from '../support.ts'
import { shopOn } from './shop.ts'

const as = (token: string) => ({ headers: { authorization: `Bearer ${token}` } })

test('a token counts as soon as it is made, with its grants; a revoked one opens nothing', async (t) => {
  const file = place(t)
  const shop = await started(t, shopOn({ file }))
  const { url, token: admin } = await shop.serve({ port: 0 })
  const { ask } = client(url)
  assert.equal((await ask('GET /api/me', as(admin!))).status, 200)
  const { token, ...made } = await shop.tokens.make('till', { grants: ['sender'], by: 'ann' })
  assert.match(token, tokenPattern)
  assert.deepEqual(made.grants, [{ role: 'sender' }])
  assert.deepEqual((await ask('GET /api/me', as(token))).body, { name: 'till', roles: ['sender'], may: ['send'] })
  assert.equal(readFileSync(file).includes(token), false, 'the file does not have it')

  const json = { grants: [{ role: 'reader', on: ['orders'] }], reason: 'the office' }
  const office = (await ask('POST /api/tokens', { ...as(admin!), json: { name: 'office', ...json } })).body
  assert.deepEqual((await ask('GET /api/me', as(office.token))).body.roles, ['reader'])
  const listed = (await ask('GET /api/tokens', as(admin!))).body
  assert.deepEqual(
    listed.map(({ name, by }: { name: string; by: string }) => [name, by]),
    [
      ['office', listed[0].by],
      ['till', 'ann'],
    ],
  )
  assert.equal(JSON.stringify(listed).includes('hash'), false)
  for (const one of [token, office.token]) {
    assert.equal((await ask('GET /api/tokens', as(one))).body.code, 'millrace/not-allowed')
  }
  assert.equal(
    (await ask('POST /api/tokens/{name}/revoke', { ...as(admin!), params: { name: 'till' }, json: {} })).status,
    204,
  )
  assert.equal((await ask('GET /api/me', as(token))).status, 401)
  const again = await ask('POST /api/tokens/{name}/revoke', { ...as(admin!), params: { name: 'till' }, json: {} })
  assert.deepEqual([again.status, again.body.code], [404, 'millrace/unknown-token'])
  const acts = (await shop.desk.audit()).filter(({ action }) => action !== 'refused')
  assert.deepEqual(
    acts.map(({ action, subject, detail }) => [action, subject, detail]),
    [
      ['revoked', 'token till', null],
      ['made', 'token office', { grants: [{ role: 'reader', on: ['orders'] }], expiresAt: null }],
      ['made', 'token till', { grants: [{ role: 'sender' }], expiresAt: null }],
    ],
  )
})

test('the options of a token are checked', async (t) => {
  const shop = await started(t, shopOn({ file: place(t) }))
  const bad = (name: string, options: object, message: RegExp) =>
    assert.rejects(shop.tokens.make(name, options as never), coded('millrace/bad-option', message))
  await bad('', { grants: ['reader'] }, /tokens\.make: name must be a text/)
  await bad('a', { grants: [] }, /grants must be a list with a role/)
  await bad('a', { grants: ['reder'] }, /did you mean "reader"/)
  await bad('a', {}, /tokens\.make: grants is missing/)
  await bad('a', { grants: ['reader'], expiresAt: 1 }, /expiresAt is over already/)
  await shop.tokens.make('till', { grants: ['reader'] })
  await assert.rejects(shop.tokens.revoke('til'), coded('millrace/unknown-token', /did you mean "till"/))
})

test('the command makes, lists and revokes tokens of an app that runs, and of one that does not', async (t) => {
  const file = place(t)
  const run = async (...words: string[]) => {
    const { status, out, err } = await millrace(['tokens', ...words, '--db', file])
    assert.equal(status, 0, err)
    return { out, err }
  }
  const grants = ['--grant', 'sender:orders,talk', '--grant', 'reader']
  const shop = await started(t, shopOn({ file }))
  const { out, err } = await run('make', 'till', ...grants, '--expires', '90d', '--reason', 'new till')
  const [token] = linesOf(out)
  assert.match(token!, tokenPattern)
  assert.equal(err, 'millrace: the token of "till" is shown this once: only its hash is kept\n')
  const { ask } = client((await shop.serve({ port: 0 })).url)
  assert.deepEqual((await ask('GET /api/me', as(token!))).body.roles, ['sender', 'reader'])
  await shop.stop()

  const [made] = objectsOf((await run('make', 'ci', '--grant', 'admin', '--by', 'ann', '--json')).out)
  const rows = objectsOf((await run('list', '--json')).out)
  assert.deepEqual(
    rows.map(({ name, grants, expiresAt }) => [name, grants, expiresAt === null]),
    [
      ['ci', [{ role: 'admin' }], true],
      ['till', [{ role: 'sender', on: ['orders', 'talk'] }, { role: 'reader' }], false],
    ],
  )
  assert.match((await run()).out, /^NAME +ALLOWS .*\nci +admin .*\ntill +sender:orders,talk reader /)
  assert.equal((await run('revoke', 'till')).out, 'the token of "till" opens nothing from now on\n')
  const again = await started(t, shopOn({ file }))
  const second = client((await again.serve({ port: 0 })).url)
  assert.equal((await second.ask('GET /api/me', as(token!))).status, 401)
  assert.equal((await second.ask('GET /api/me', as(made!['token'] as string))).status, 200)
})

test('`start` takes a token from MILLRACE_TOKEN beside that of the file', async (t) => {
  const file = place(t)
  const token = `mrt_${'e'.repeat(43)}`
  const app = begin(t, ['start', appFile, '--db', file, '--json'], {
    env: { MILLRACE_PORT: '0', MILLRACE_TOKEN: token },
  })
  await app.says(/"http".*\n/)
  const [{ http }] = objectsOf(app.lines().join('\n')) as [{ http: string }]
  assert.equal((await client(http).ask('GET /api/me', as(token))).status, 200)
  app.process.kill('SIGTERM')
  await app.done
  const wrong = await millrace(['start', appFile, '--db', file], { env: { MILLRACE_TOKEN: 'x' } })
  assert.deepEqual([wrong.status, /MILLRACE_TOKEN must be a token/.test(wrong.err)], [2, true])
})
