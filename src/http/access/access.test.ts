import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { hashOf, newToken, tokenPattern, whoHas } from '../../operate/token.ts'
import { Access, cookieIn, sessionHeader } from './access.ts'
import { Buckets } from './buckets.ts'
import type { AccessRules } from './options.ts'
import { codeMs, Sessions, sessionMs } from './sessions.ts'
import { makeTokenFile, readTokenFile, tokenFileOf } from './token-file.ts'

const ada = { name: 'ada', grants: [{ role: 'clerk' as const }] }
/** The hash of the token of ada. */
const adas = hashOf(newToken())
const none: AccessRules = { tokens: [{ ...ada, hash: adas }], services: [], open: false, hosts: [] }

/** An access whose clock the test sets. */
function accessOf(rules: Partial<AccessRules> = {}) {
  const clock = { now: 1_000_000 }
  return { clock, access: new Access({ ...none, ...rules }, () => clock.now) }
}

const request = (headers: Record<string, string> = {}, method = 'GET') =>
  new Request('http://127.0.0.1:7070/api/desk', { method, headers: { host: '127.0.0.1:7070', ...headers } })

/** A request of a page of this server. */
const page = () => request({ 'sec-fetch-site': 'same-origin' }, 'POST')

const code = (name: string) => ({ code: `millrace/${name}` })

test('a token tells who has it, until its time is over', async () => {
  const token = newToken()
  assert.match(token, tokenPattern)
  const { access, clock } = accessOf({ tokens: [{ ...ada, hash: hashOf(token), expiresAt: 2_000_000 }] })
  const asked = () => access.who(request({ authorization: `Bearer ${token}` }), 'a')
  assert.deepEqual(await asked(), ada)
  clock.now = 2_000_000
  await assert.rejects(asked(), code('not-signed-in'))
})

test('a token that is not known opens nothing, not even beside a session, and the hash of one neither', async () => {
  const hash = hashOf(newToken())
  const { access } = accessOf({ tokens: [{ ...ada, hash }], open: true })
  for (const authorization of [`Bearer ${newToken()}`, `Bearer ${hash}`, 'Bearer', 'Basic YTpi', '']) {
    await assert.rejects(access.who(request({ authorization }), 'a'), code('not-signed-in'), authorization)
  }
  assert.equal(whoHas([{ ...ada, hash }], '', 0), undefined)
})

test('after ten failed logins of an address it waits, also with the right token; others do not', async () => {
  const token = newToken()
  const { access, clock } = accessOf({ tokens: [{ ...ada, hash: hashOf(token) }] })
  const right = (from: string) => access.who(request({ authorization: `Bearer ${token}` }), from)
  for (let n = 0; n < 10; n++) {
    await assert.rejects(access.who(request({ authorization: 'Bearer x' }), 'a'), code('not-signed-in'))
  }
  await assert.rejects(right('a'), code('too-many-logins'))
  assert.deepEqual(await right('b'), ada)
  clock.now += 6_000
  assert.deepEqual(await right('a'), ada)
})

test('a code begins one session, within ten minutes', async () => {
  const { access, clock } = accessOf()
  const made = access.sessions.code(adas)
  const { session, who } = await access.begin(page(), made, 'a')
  assert.deepEqual(who, ada)
  await assert.rejects(access.begin(page(), made, 'a'), code('not-signed-in'))
  const old = access.sessions.code(adas)
  clock.now += codeMs
  await assert.rejects(access.begin(page(), old, 'a'), code('not-signed-in'))

  const asked = () => access.who(request({ cookie: `x=1; millrace-session=${session}` }), 'a')
  clock.now += sessionMs - codeMs - 1
  assert.deepEqual(await asked(), ada)
  clock.now += sessionMs - 1
  assert.deepEqual(await asked(), ada, 'a session that is used lasts')
  access.sessions.end(session)
  await assert.rejects(asked(), code('not-signed-in'))
})

test('a session is over when it is not used for twelve hours', async () => {
  const { access, clock } = accessOf()
  const { session } = await access.begin(page(), access.sessions.code(adas), 'a')
  clock.now += sessionMs
  await assert.rejects(access.who(request({ cookie: `millrace-session=${session}` }), 'a'), code('not-signed-in'))
})

test('a session outlives a restart, unless it has ended or its token counts no more; the file opens nothing', () => {
  const clock = { now: 1_000_000 }
  let text: string | undefined
  let writes = 0
  const file = {
    read: () => text,
    write: (next: string) => {
      text = next
      writes++
    },
  }
  const sessions = () => new Sessions(() => clock.now, file)
  const first = sessions()
  const [kept, ended, unused] = [first.of(adas), first.of(adas), first.of(adas)]
  first.end(ended)
  assert.equal(first.token(kept), adas)
  assert.equal(writes, 4, 'a use is not written')
  for (const secret of [kept, ended, unused]) assert.equal(text!.includes(secret), false)
  clock.now += sessionMs / 2
  const second = sessions()
  assert.deepEqual([second.token(kept), second.token(ended)], [adas, undefined])
  assert.equal(writes, 5, 'a use after a long time is')
  clock.now += sessionMs / 2
  const third = sessions()
  assert.deepEqual([third.token(kept), third.token(unused)], [adas, undefined], 'one has been used')
  for (const line of text!.trim().split('\n')) assert.equal(third.token(line.split(' ')[0]!), undefined)
  const forever = `${hashOf('guess')} ${adas} ${clock.now + 10 * sessionMs}\nno session\n\n`
  text = forever
  assert.equal(sessions().token('guess'), undefined, 'what no server has written does not count')
})

test('a session is of who has its token now', async () => {
  const token = newToken()
  const hash = hashOf(token)
  const kept = new Map([[hash, { name: 'till', grants: [{ role: 'reader' as const }], expiresAt: null }]])
  const access = new Access(none, () => 1_000_000, { kept: async () => kept })
  const { session, who } = await access.begin(page(), token, 'a')
  assert.deepEqual(who, { name: 'till', grants: [{ role: 'reader' }] })
  const asked = () => access.who(request({ cookie: `millrace-session=${session}` }), 'a')
  kept.set(hash, { name: 'till', grants: [{ role: 'clerk' as never }], expiresAt: null })
  assert.deepEqual((await asked()).grants, [{ role: 'clerk' }])
  kept.delete(hash)
  await assert.rejects(asked(), code('not-signed-in'))
})

test('a session changes something only from a page of this server', async () => {
  const { access } = accessOf()
  const { session } = await access.begin(page(), access.sessions.code(adas), 'a')
  const asked = (headers: Record<string, string>, method = 'POST') =>
    access.who(request({ cookie: `millrace-session=${session}`, ...headers }, method), 'a')
  const own: Record<string, string>[] = [
    { 'sec-fetch-site': 'same-origin' },
    { 'sec-fetch-site': 'none' },
    { origin: 'http://127.0.0.1:7070' },
  ]
  for (const headers of own) {
    assert.deepEqual(await asked(headers), ada, JSON.stringify(headers))
  }
  const others: Record<string, string>[] = [
    {},
    { 'sec-fetch-site': 'cross-site', origin: 'http://127.0.0.1:7070' },
    { 'sec-fetch-site': 'same-site' },
    { origin: 'http://127.0.0.1:7071' },
    { origin: 'https://evil.example' },
    { origin: 'null' },
  ]
  for (const headers of others) {
    await assert.rejects(asked(headers), code('cross-site'), JSON.stringify(headers))
  }
  assert.deepEqual(await asked({ 'sec-fetch-site': 'cross-site' }, 'GET'), ada)
})

test('an open server takes everybody for an admin, but no page of another site', async () => {
  const { access } = accessOf({ open: true })
  assert.equal((await access.who(request(), 'a')).grants[0]!.role, 'admin')
  assert.equal((await access.who(request({}, 'POST'), 'a')).grants[0]!.role, 'admin', 'curl is no page')
  await assert.rejects(access.who(request({ origin: 'https://evil.example' }, 'POST'), 'a'), code('cross-site'))
})

test('a request that names another host is refused before anything else, also by an open server', async () => {
  const { access } = accessOf({ open: true, hosts: ['Mill.example', 'other.example:8080'] })
  for (const host of [
    '127.0.0.1:7070',
    'localhost:1',
    '[::1]:7070',
    'mill.example',
    'mill.example:443',
    'other.example:8080',
  ]) {
    assert.ok(await access.who(request({ host }), 'a'), host)
  }
  for (const host of [
    'evil.example',
    'mill.example.evil.example',
    '',
    'other.example:1',
    '127.0.0.1.evil.example',
    'localhost@evil.example',
  ]) {
    await assert.rejects(access.who(request({ host }), 'a'), code('wrong-host'), host)
  }
})

test('a cookie is read whole, under its two names only', () => {
  assert.equal(cookieIn('a=1; millrace-session=x=y; b=2', 'millrace-session'), 'x=y')
  assert.equal(cookieIn('__Host-millrace-session=z', 'millrace-session'), 'z')
  assert.equal(cookieIn('xmillrace-session=z; =; millrace-session', 'millrace-session'), undefined)
  assert.equal(sessionHeader('z', { https: false }), 'millrace-session=z; Path=/; HttpOnly; SameSite=Strict')
  assert.equal(
    sessionHeader('z', { https: true }),
    '__Host-millrace-session=z; Path=/; HttpOnly; SameSite=Strict; Secure',
  )
})

test('a bucket gives what it has, and tells after which time there is more', () => {
  const clock = { now: 0 }
  const buckets = new Buckets({ burst: 10, perSecond: 2 }, () => clock.now)
  assert.equal(buckets.take('a', 8), 0)
  assert.equal(buckets.take('a', 4), 1_000)
  assert.equal(buckets.take('b', 10), 0, 'each has a bucket of its own')
  clock.now = 1_000
  assert.equal(buckets.take('a', 4), 0)
  assert.deepEqual(buckets.left('a'), { left: 0, fullInMs: 5_000 })
  clock.now = 500
  assert.deepEqual(buckets.left('a'), { left: 0, fullInMs: 5_000 }, 'a clock that goes back gives nothing')
  clock.now = 100_000
  assert.equal(buckets.take('a', 100), 0, 'more than the bucket holds is given by a full one')
  assert.equal(buckets.take('a', 100), 50_000)
})

function folder(): string {
  return join(mkdtempSync(join(tmpdir(), 'token-file-')), 'app.db')
}

test('the token file is made once, for its owner only', () => {
  const file = folder()
  assert.equal(readTokenFile(file), undefined)
  const token = makeTokenFile(file)
  assert.match(token, tokenPattern)
  assert.equal(statSync(tokenFileOf(file)).mode & 0o777, 0o600)
  assert.equal(readTokenFile(file), token)
  assert.equal(makeTokenFile(file), token)
})

test('a token file that others could read, or without a token, is made anew', () => {
  const file = folder()
  const token = makeTokenFile(file)
  chmodSync(tokenFileOf(file), 0o644)
  const next = makeTokenFile(file)
  assert.notEqual(next, token)
  assert.equal(statSync(tokenFileOf(file)).mode & 0o777, 0o600)
  writeFileSync(tokenFileOf(file), 'mrt_short\n')
  assert.match(makeTokenFile(file), tokenPattern)
  assert.match(readFileSync(tokenFileOf(file), 'utf8'), /^mrt_.{43}\n$/)
})

/** A sign-in service with one key, which can be reached or not. */
async function signInService(t: TestContext) {
  const { publicKey, privateKey } = await generateKeyPair('ES256')
  const state = { up: true, asked: 0 }
  const server = createServer(async ({ url }, answer) => {
    state.asked++
    if (!state.up) return answer.writeHead(503).end()
    const keys = [{ ...(await exportJWK(publicKey)), kid: 'k', alg: 'ES256' }]
    const { port } = server.address() as { port: number }
    answer.end(JSON.stringify(url === '/keys' ? { keys } : { jwks_uri: `http://127.0.0.1:${port}/keys` }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  const issuer = `http://127.0.0.1:${(server.address() as { port: number }).port}`
  const sign = (claims: Record<string, unknown>, { key = privateKey, audience = 'mill', expires = '1h' } = {}) =>
    new SignJWT(claims)
      .setProtectedHeader({ alg: 'ES256', kid: 'k' })
      .setIssuer(issuer)
      .setAudience(audience)
      .setExpirationTime(expires)
      .sign(key)
  return { issuer, state, sign }
}

/** The service of this test, which knows the clerks of the app. */
const clerksOf = (issuer: string) =>
  ({ issuer, audience: 'mill', rolesClaim: 'realm_access.roles', grants: { 'mill-clerk': 'clerk' } }) as const

const claims = { email: 'ada@example.org', realm_access: { roles: ['other', 'mill-clerk'] } }

test('a signed token of the service gives a name and grants, as a bearer token and as the assertion of a proxy', async (t) => {
  const { issuer, sign } = await signInService(t)
  const service = clerksOf(issuer)
  const { access } = accessOf({ services: [service, { ...service, header: 'Cf-Access-Jwt-Assertion' }] })
  const who = { name: 'ada@example.org', grants: [{ role: 'clerk' }] }
  const token = await sign(claims)
  assert.deepEqual(await access.who(request({ authorization: `Bearer ${token}` }), 'a'), who)
  assert.deepEqual(await access.who(request({ 'cf-access-jwt-assertion': token }), 'a'), who)
})

test('a signed token does not count that is forged, for another app, too old, without a name or without a role', async (t) => {
  const { issuer, sign } = await signInService(t)
  const service = clerksOf(issuer)
  const { access } = accessOf({ services: [service] })
  const { privateKey: key } = await generateKeyPair('ES256')
  const [head, , signature] = (await sign(claims)).split('.')
  const body = Buffer.from(JSON.stringify({ ...claims, iss: issuer, aud: 'mill', exp: 9e9 })).toString('base64url')
  const unsigned = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${body}.`
  const tokens = {
    'another key': await sign(claims, { key }),
    'another audience': await sign(claims, { audience: 'other' }),
    'too old': await sign(claims, { expires: '-1h' }),
    'without a name': await sign({ ...claims, email: undefined }),
    'without a role': await sign({ ...claims, realm_access: { roles: ['other', 'toString'] } }),
    'another body': `${head}.${body}.${signature}`,
    unsigned,
  }
  let address = 0
  for (const [what, token] of Object.entries(tokens)) {
    const asked = access.who(request({ authorization: `Bearer ${token}` }), String(address++))
    await assert.rejects(asked, code('not-signed-in'), what)
  }
})

test('a service that cannot be reached is told as that, and is asked again', async (t) => {
  const { issuer, sign, state } = await signInService(t)
  const service = clerksOf(issuer)
  const { access } = accessOf({ services: [service] })
  const authorization = `Bearer ${await sign(claims)}`
  state.up = false
  for (let n = 0; n < 12; n++) {
    await assert.rejects(access.who(request({ authorization }), 'a'), code('sign-in-unreachable'))
  }
  state.up = true
  assert.equal((await access.who(request({ authorization }), 'a')).name, 'ada@example.org')
})
