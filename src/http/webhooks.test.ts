import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import test from 'node:test'
import { sign as signGithub, verify as verifyGithub } from '@octokit/webhooks-methods'
import { Webhook } from 'standardwebhooks'
import { github, githubSignature, type Secrets, signerOf, standardWebhooks } from './webhooks.ts'

const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
const other = 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD'
const id = 'msg_p5jXN8AQM9LWM0D4loKWxJek'
const now = 1_614_265_330_000
const body = '{"test": 2432232314}'
const published = 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE='

const good = { 'webhook-id': id, 'webhook-timestamp': '1614265330', 'webhook-signature': published }

function checked(headers: Readonly<Record<string, string>>, by: Secrets = secret, text: string = body, at = now) {
  const request = { header: (name: string) => headers[name], body: Buffer.from(text), now: at }
  return standardWebhooks({ secret: by }).verify(request)
}
const whyNot = (...given: Parameters<typeof checked>) => {
  const result = checked(...given)
  return result.ok ? undefined : result.why
}

test('the published vector of Standard Webhooks is made, and taken', () => {
  assert.deepEqual(signerOf('here', secret)({ id, now, body }), good)
  assert.deepEqual(checked(good), { ok: true, id })
})

const missing = 'webhook-id, webhook-timestamp or webhook-signature is missing'
const unfit = 'no signature fits the secret'
const [, right] = published.split(',') as [string, string]
const situations: readonly (readonly [string, Parameters<typeof checked>, string | undefined])[] = [
  ['all is right', [good], undefined],
  ['no id', [{ ...good, 'webhook-id': '' }], missing],
  ['no timestamp', [{ ...good, 'webhook-timestamp': '' }], missing],
  ['no signature', [{ ...good, 'webhook-signature': '' }], missing],
  [
    'a timestamp that is no number',
    [{ ...good, 'webhook-timestamp': 'hello' }],
    'webhook-timestamp is no number of seconds',
  ],
  [
    'a timestamp with a fraction',
    [{ ...good, 'webhook-timestamp': '1614265330.5' }],
    'webhook-timestamp is no number of seconds',
  ],
  ['a signature of other bytes', [{ ...good, 'webhook-signature': `v1,${'A'.repeat(43)}=` }], unfit],
  ['a part of the signature', [{ ...good, 'webhook-signature': published.slice(0, 8) }], unfit],
  ['a version without a signature', [{ ...good, 'webhook-signature': 'v1,' }], unfit],
  ['the signature under another version', [{ ...good, 'webhook-signature': `v2,${right}` }], unfit],
  [
    'the right one among others',
    [{ ...good, 'webhook-signature': `v1,AAAA v2,${right} ${published} v1a,BBBB` }],
    undefined,
  ],
  ['another body', [good, secret, '{"test": 2432232315}'], unfit],
  ['another id', [{ ...good, 'webhook-id': 'msg_1' }], unfit],
  ['another secret', [good, other], unfit],
  ['a secret without its prefix', [good, secret.slice(6)], undefined],
  ['299 seconds late', [good, secret, body, now + 299_000], undefined],
  ['301 seconds late', [good, secret, body, now + 301_000], 'webhook-timestamp is more than 5 minutes old'],
  ['301 seconds early', [good, secret, body, now - 301_000], 'webhook-timestamp is more than 5 minutes ahead'],
]
for (const [name, given, why] of situations) {
  test(`a webhook is ${why === undefined ? 'taken' : 'refused'}: ${name}`, () => assert.equal(whyNot(...given), why))
}

test('a body that is no UTF-8 is signed by its bytes', () => {
  const bytes = Uint8Array.of(0xff, 0x00, 0xfe)
  const headers = signerOf('here', secret)({ id, now, body: bytes })
  const request = (given: Uint8Array) => ({
    header: (name: string) => headers[name as keyof typeof headers],
    body: given,
    now,
  })
  assert.equal(standardWebhooks({ secret }).verify(request(bytes)).ok, true)
  assert.equal(standardWebhooks({ secret }).verify(request(Uint8Array.of(0xfe, 0x00, 0xff))).ok, false)
})

test('while a secret is rotated either side may have the new one first', () => {
  const both = signerOf('here', [other, secret])({ id, now, body })
  assert.equal(whyNot(both), undefined)
  assert.equal(whyNot(both, other), undefined)
  assert.equal(whyNot(good, [other, secret]), undefined)
  assert.equal(whyNot(signerOf('here', other)({ id, now, body }), [other, secret]), undefined)
})

test('signatures and the library standardwebhooks agree, both ways', () => {
  const at = Date.now()
  const library = new Webhook(secret)
  for (const text of ['', '{}', '{"ä":"€ 𝄞"}', 'x'.repeat(100_000)]) {
    const ours = signerOf('here', [other, secret])({ id, now: at, body: text })
    library.verify(text, { ...ours }, { jsonParse: false })
    const theirs = { ...ours, 'webhook-signature': library.sign(id, new Date(at), text) }
    assert.equal(whyNot(theirs, secret, text, at), undefined)
  }
})

const pair = () => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const seed = privateKey.export({ format: 'der', type: 'pkcs8' }).subarray(-32)
  const point = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32)
  const text = (prefix: string, bytes: Buffer) => prefix + bytes.toString('base64')
  return { short: text('whsk_', seed), long: text('whsk_', Buffer.concat([seed, point])), open: text('whpk_', point) }
}

test('v1a: a signature of the private key passes with its public key, and with no other', () => {
  const { short, long, open } = pair()
  for (const key of [short, long]) {
    const signed = signerOf('here', key)({ id, now, body })
    assert.match(signed['webhook-signature'], /^v1a,[A-Za-z0-9+/]{86}==$/)
    assert.deepEqual(checked(signed, open), { ok: true, id })
    assert.equal(whyNot(signed, pair().open), unfit)
    assert.equal(whyNot(signed, open, `${body} `), unfit)
    assert.equal(whyNot({ ...signed, 'webhook-signature': 'v1a,AAAA' }, open), unfit)
  }
})

test('v1a by the first vector of RFC 8032: the key of the seed is the published one', () => {
  const seed = Buffer.from('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60', 'hex')
  const point = Buffer.from('d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a', 'hex')
  const signed = signerOf('here', `whsk_${seed.toString('base64')}`)({ id, now, body })
  assert.equal(whyNot(signed, `whpk_${point.toString('base64')}`), undefined)
})

test('a shared and a private key sign together while a receiver changes from one to the other', () => {
  const { short, open } = pair()
  const signed = signerOf('here', [short, secret])({ id, now, body })
  assert.equal(whyNot(signed, secret), undefined)
  assert.equal(whyNot(signed, open), undefined)
})

test('the published vector of GitHub is made and taken; a wrong secret, body or header is refused', () => {
  const text = 'Hello, World!'
  const signature = 'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17'
  const known = "It's a Secret to Everybody"
  assert.equal(githubSignature(known, text), signature)
  const verify = (by: Secrets, headers: Readonly<Record<string, string>>, given = text) =>
    github({ secret: by }).verify({ header: (name) => headers[name], body: Buffer.from(given), now })
  const headers = { 'x-github-delivery': '72d3162e', 'x-hub-signature-256': signature }
  assert.deepEqual(verify(known, headers), { ok: true, id: '72d3162e' })
  assert.deepEqual(verify(['new', known], headers), { ok: true, id: '72d3162e' })
  assert.deepEqual(verify('new', headers), { ok: false, why: unfit })
  assert.deepEqual(verify(known, headers, 'Hello, World'), { ok: false, why: unfit })
  assert.deepEqual(verify(known, { ...headers, 'x-hub-signature-256': signature.slice(7) }), { ok: false, why: unfit })
  const none = { ok: false, why: 'x-github-delivery or x-hub-signature-256 is missing' }
  assert.deepEqual(verify(known, { 'x-hub-signature-256': signature }), none)
  assert.deepEqual(verify(known, { 'x-github-delivery': '72d3162e' }), none)
})

test('signatures of GitHub and the library @octokit/webhooks-methods agree, both ways', async () => {
  for (const text of ['{}', '{"ä":"€ 𝄞"}', 'x'.repeat(100_000)]) {
    assert.equal(githubSignature('key', text), await signGithub('key', text))
    assert.equal(await verifyGithub('key', text, githubSignature('key', text)), true)
  }
})

test('a bad secret is refused with what to do, and is not in the error', () => {
  const refuses = (given: unknown, text: RegExp) =>
    assert.throws(() => standardWebhooks({ secret: given as string }), text)
  refuses('', /standardWebhooks: secret must be a text that is not empty/)
  refuses(undefined, /secret must be a text/)
  refuses([secret, secret, secret], /a list of the new one and the old one/)
  refuses(
    'whsec_c2hvcnQ=',
    /^(?!.*c2hvcnQ).*whsec_ and 16 to 1024 bytes in base64; make one with: openssl rand -base64 32/,
  )
  refuses('whsec_no base64 at all', /^(?!.*no base64)/)
  refuses('whsk_AAAA', /32 or 64 bytes/)
  refuses('whpk_AAAA', /32 bytes/)
  assert.throws(() => signerOf('deliver "billing"', pair().open), /deliver "billing": a whpk_ key only checks/)
  assert.throws(() => standardWebhooks({ secret, tolerance: 1 } as never), { code: 'millrace/unknown-option' })
})
