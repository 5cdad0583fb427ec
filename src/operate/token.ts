// Tokens of people and programs. A token is `mrt_` and 32 random bytes; what is kept is its SHA-256. A token has its full
// entropy, so a slow hash would add nothing.
import { hash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Who } from '../model/permissions.ts'

export const tokenPattern: RegExp = /^mrt_[A-Za-z0-9_-]{43}$/
const hashPattern = /^[0-9a-f]{64}$/

/** A token as it is kept: who has it, its hash, and its end. */
export interface Token extends Who {
  /** SHA-256 of the token, hexadecimal. */
  readonly hash: string
  /** The time from which it no longer counts, milliseconds since 1970; undefined for never. */
  readonly expiresAt?: number | undefined
}

export function newToken(): string {
  return `mrt_${randomBytes(32).toString('base64url')}`
}

export function hashOf(token: string): string {
  return hash('sha256', token)
}

export const isHash = (text: unknown): text is string => typeof text === 'string' && hashPattern.test(text)

/** Tokens of code, which stay the same. */
export class KnownTokens {
  private readonly tokens: readonly Token[]
  /** Those that were right, by their text: a sender that comes again is not hashed again. No wrong one is in it. */
  private readonly met = new Map<string, Token>()

  constructor(tokens: readonly Token[]) {
    this.tokens = tokens
  }

  /** Tells who has a token; undefined when nobody has it, or its time is over. */
  who(token: string, nowMs: number): Who | undefined {
    const known = this.met.get(token) ?? this.meet(token)
    if (known === undefined || nowMs >= (known.expiresAt ?? Number.POSITIVE_INFINITY)) return undefined
    return { name: known.name, grants: known.grants }
  }

  private meet(token: string): Token | undefined {
    const found = tokenIn(this.tokens, token)
    if (found !== undefined) this.met.set(token, found)
    return found
  }
}

/** Tells who has a token; undefined when nobody has it, or its time is over. */
export function whoHas(tokens: readonly Token[], token: string, nowMs: number): Who | undefined {
  const found = tokenIn(tokens, token)
  if (found === undefined || nowMs >= (found.expiresAt ?? Number.POSITIVE_INFINITY)) return undefined
  return { name: found.name, grants: found.grants }
}

/** Tells who has the token of a hash; undefined as of {@link whoHas}. */
export function whoHasHash(tokens: readonly Token[], hash: string, nowMs: number): Who | undefined {
  const found = hashIn(tokens, hash)
  if (found === undefined || nowMs >= (found.expiresAt ?? Number.POSITIVE_INFINITY)) return undefined
  return { name: found.name, grants: found.grants }
}

function tokenIn(tokens: readonly Token[], token: string): Token | undefined {
  return tokenPattern.test(token) ? hashIn(tokens, hashOf(token)) : undefined
}

function hashIn(tokens: readonly Token[], hash: string): Token | undefined {
  const given = Buffer.from(hash)
  // Each is compared in full: the time tells nothing about the tokens that are kept.
  let found: Token | undefined
  for (const one of tokens) if (timingSafeEqual(Buffer.from(one.hash), given)) found = one
  return found
}
