// Signatures of webhooks, made and checked: Standard Webhooks v1 (HMAC-SHA256) and v1a (ed25519), and GitHub's.
//
// A signer signs with every secret that it is given, and a verifier takes a signature by any of its own, so that a
// secret is rotated without a gap: add the new one on both sides, then remove the old one on both. The clock comes from
// the caller, in milliseconds; headers hold seconds.
import {
  createHmac,
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  sign,
  timingSafeEqual,
  verify,
} from 'node:crypto'
import { fault } from '../model/errors.ts'
import { checkOptions } from '../model/options.ts'

/** A secret of a webhook, or the new one and the old one while it is rotated. */
export type Secrets = string | readonly [string] | readonly [string, string]

/** A request that came in, as its signature is checked. */
export interface SignedRequest {
  /** Returns a header by its lower-case name. */
  readonly header: (name: string) => string | null | undefined
  /** The bytes of the body, as they came. */
  readonly body: Uint8Array
  /** The time, milliseconds since 1970. */
  readonly now: number
}

/** The result of a check: the id that the sender gave the message, or why it is refused. */
export type Verified = { readonly ok: true; readonly id: string } | { readonly ok: false; readonly why: string }

/** Checks who sent a webhook. Made by {@link standardWebhooks} and {@link github}. */
export interface Verifier {
  readonly scheme: 'standard-webhooks' | 'github'
  /** Checks a request in time that tells nothing of the secret. */
  verify(request: SignedRequest): Verified
}

/** Options of {@link standardWebhooks}. */
export interface StandardWebhooksOptions {
  /** `whsec_…`, or `whpk_…` for signatures by ed25519; two of them while they are rotated. */
  readonly secret: Secrets
}

/** Options of {@link github}. */
export interface GithubOptions {
  /** The secret as GitHub has it, any text; two of them while they are rotated. */
  readonly secret: Secrets
}

const toleranceSeconds = 5 * 60

/**
 * Checks webhooks by Standard Webhooks: the headers `webhook-id`, `webhook-timestamp` and `webhook-signature`. A
 * timestamp more than 5 minutes away from the clock is refused.
 *
 * @param options the secret, or two while they are rotated
 * @returns the verifier, for `hook`
 * @throws `millrace/bad-option`, `millrace/unknown-option`
 *
 * @example
 * ```ts
 * const verifier = standardWebhooks({ secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw' })
 * console.assert(verifier.scheme === 'standard-webhooks')
 * ```
 */
export function standardWebhooks(options: StandardWebhooksOptions): Verifier {
  const where = 'standardWebhooks'
  checkOptions(where, options, ['secret'])
  const keys = listOf(where, options.secret).map((secret) => keyOf(where, secret))
  const check = ({ header, body, now }: SignedRequest): Verified => {
    const id = header('webhook-id')
    const timestamp = header('webhook-timestamp')
    const signatures = header('webhook-signature')
    if (!id || !timestamp || !signatures)
      return refused('webhook-id, webhook-timestamp or webhook-signature is missing')
    if (!/^\d{1,15}$/.test(timestamp)) return refused('webhook-timestamp is no number of seconds')
    const ahead = Number(timestamp) - Math.floor(now / 1_000)
    if (ahead < -toleranceSeconds) return refused('webhook-timestamp is more than 5 minutes old')
    if (ahead > toleranceSeconds) return refused('webhook-timestamp is more than 5 minutes ahead')
    const content = contentOf(id, timestamp, body)
    const given = signatures.split(' ')
    return keys.some((key) => given.some((one) => fits(key, content, one))) ? { ok: true, id } : wrong
  }
  return Object.freeze({ scheme: 'standard-webhooks', verify: check })
}

/**
 * Checks webhooks by GitHub's `X-Hub-Signature-256`. Their id is `X-GitHub-Delivery`. GitHub signs no time: an old
 * request that comes again is known by its id alone.
 *
 * @param options the secret, or two while they are rotated
 * @returns the verifier, for `hook`
 * @throws `millrace/bad-option`, `millrace/unknown-option`
 *
 * @example
 * ```ts
 * const verifier = github({ secret: 'It is a secret to everybody' })
 * console.assert(verifier.scheme === 'github')
 * ```
 */
export function github(options: GithubOptions): Verifier {
  checkOptions('github', options, ['secret'])
  const secrets = listOf('github', options.secret)
  const check = ({ header, body }: SignedRequest): Verified => {
    const id = header('x-github-delivery')
    const given = header('x-hub-signature-256')
    if (!id || !given) return refused('x-github-delivery or x-hub-signature-256 is missing')
    return secrets.some((secret) => sameText(given, githubSignature(secret, body))) ? { ok: true, id } : wrong
  }
  return Object.freeze({ scheme: 'github', verify: check })
}

/** The value of `X-Hub-Signature-256`. */
export const githubSignature = (secret: string, body: Uint8Array | string): string =>
  `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`

/** A message to be signed. */
export interface ToSign {
  readonly id: string
  /** The time, milliseconds since 1970. */
  readonly now: number
  readonly body: Uint8Array | string
}

/** Makes the three headers of Standard Webhooks. */
export type Signer = (message: ToSign) => Readonly<Record<`webhook-${'id' | 'timestamp' | 'signature'}`, string>>

/**
 * Makes a signer by Standard Webhooks. It signs with each secret.
 *
 * @throws `millrace/bad-option`
 */
export function signerOf(where: string, secrets: Secrets): Signer {
  const keys = listOf(where, secrets).map((secret) => keyOf(where, secret))
  if (keys.some((key) => !(key instanceof Uint8Array) && key.type === 'public')) {
    throw bad(where, 'a whpk_ key only checks: sign with the whsk_ key that belongs to it')
  }
  return ({ id, now, body }) => {
    const timestamp = String(Math.floor(now / 1_000))
    const content = contentOf(id, timestamp, body)
    const signature = keys.map((key) => signatureBy(key, content)).join(' ')
    return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signature }
  }
}

/** The bytes of a shared secret, or a key of ed25519. */
type Key = Uint8Array | KeyObject

const contentOf = (id: string, timestamp: string, body: Uint8Array | string): Buffer =>
  Buffer.concat([Buffer.from(`${id}.${timestamp}.`), typeof body === 'string' ? Buffer.from(body) : body])

function signatureBy(key: Key, content: Buffer): string {
  if (key instanceof Uint8Array) return `v1,${createHmac('sha256', key).update(content).digest('base64')}`
  return `v1a,${sign(null, content, key).toString('base64')}`
}

function fits(key: Key, content: Buffer, given: string): boolean {
  if (key instanceof Uint8Array) return sameText(given, signatureBy(key, content))
  return given.startsWith('v1a,') && verify(null, content, key, Buffer.from(given.slice(4), 'base64'))
}

/** Compares in a time that depends on nothing but the lengths. */
function sameText(given: string, right: string): boolean {
  const [one, other] = [Buffer.from(given), Buffer.from(right)]
  return one.length === other.length && timingSafeEqual(one, other)
}

const secretBytes = { min: 16, max: 1_024 }
/** What DER has before the 32 bytes of a key of ed25519 (RFC 8410). */
const privateBefore = Buffer.from('302e020100300506032b657004220420', 'hex')
const publicBefore = Buffer.from('302a300506032b6570032100', 'hex')

function keyOf(where: string, secret: string): Key {
  const [, prefix = '', text = ''] = /^(wh(?:sec|sk|pk)_)?([A-Za-z0-9+/]+={0,2})$/.exec(secret) ?? []
  const bytes = Buffer.from(text, 'base64')
  if (prefix === 'whsk_') {
    // 32 bytes, or the 64 of libsodium, whose second half is the public key.
    if (bytes.length !== 32 && bytes.length !== 64) throw bad(where, 'a whsk_ key is 32 or 64 bytes in base64')
    const der = Buffer.concat([privateBefore, bytes.subarray(0, 32)])
    return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  }
  if (prefix === 'whpk_') {
    if (bytes.length !== 32) throw bad(where, 'a whpk_ key is 32 bytes in base64')
    return createPublicKey({ key: Buffer.concat([publicBefore, bytes]), format: 'der', type: 'spki' })
  }
  const { min, max } = secretBytes
  if (bytes.length < min || bytes.length > max) {
    throw bad(where, `a secret is whsec_ and ${min} to ${max} bytes in base64; make one with: openssl rand -base64 32`)
  }
  return bytes
}

function listOf(where: string, given: Secrets): readonly string[] {
  const list = typeof given === 'string' ? [given] : given
  if (
    !Array.isArray(list) ||
    list.length < 1 ||
    list.length > 2 ||
    list.some((one) => typeof one !== 'string' || !one)
  ) {
    throw bad(where, 'secret must be a text that is not empty, or a list of the new one and the old one')
  }
  return list
}

const refused = (why: string): Verified => ({ ok: false, why })
const wrong = refused('no signature fits the secret')
// The secret itself is never part of an error.
const bad = (where: string, why: string) => fault('millrace/bad-option', `${where}: ${why}`)
