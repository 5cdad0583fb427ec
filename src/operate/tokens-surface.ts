// The one implementation of `app.tokens`, on a running app and on the store of a stopped one.
//
// A token is shown once, when it is made; its hash is kept. Made and revoked are changes on disk, with a line of the audit
// log each. A server that runs reads the tokens anew after each: a token that is revoked opens nothing from then on.
import { type Actor, checkActor } from '../model/desk.ts'
import { fault } from '../model/errors.ts'
import { suggest } from '../model/names.ts'
import { checkWho } from '../model/permissions.ts'
import type { AccessStore, TokenKept } from '../seam/access.ts'
import { checked } from './calls.ts'
import { hashOf, newToken } from './token.ts'
import type { Tokens } from './tokens.ts'

export type TokenStore = Pick<AccessStore, 'tokens' | 'addToken' | 'revokeToken'>

export interface TokensOf {
  /** Returns the tokens of the store; throws where there is none. */
  access(): TokenStore
  /** Who acts where nobody is named. */
  readonly itself: string
  readonly world: { now(): number }
}

const tokensMax = 10_000

export function tokensOn({ access, itself, world }: TokensOf): Tokens {
  const us: Actor = { by: itself }
  return checked<Tokens>('tokens', {
    list: async () => (await access().tokens()).map(({ hash: _, ...item }) => item),
    make: async (given, { grants: list, expiresAt = null, by = itself, reason }) => {
      checkActor('make', { by, reason })
      const { name, grants } = checkWho('tokens.make', { name: given, grants: list })
      if (grants.length === 0) throw bad('grants must be a list with a role')
      const createdAt = world.now()
      if (expiresAt !== null && expiresAt <= createdAt) throw bad('expiresAt is over already')
      const store = access()
      if ((await store.tokens()).length >= tokensMax) throw bad(`there are ${tokensMax} tokens: revoke some`)
      const token = newToken()
      const item = { name, grants, createdAt, by, expiresAt }
      const added = await changing(store, () => store.addToken({ ...item, hash: hashOf(token) }, reason))
      if (added) return { ...item, token }
      throw fault('millrace/token-exists', `"${name}" has a token: revoke it first, or give another name`)
    },
    revoke: async (name, actor = us) => {
      const by = checkActor('revoke', actor)
      const store = access()
      if (await changing(store, () => store.revokeToken(name, by, world.now()))) return
      const names = (await store.tokens()).map((one) => one.name)
      throw fault('millrace/unknown-token', `nobody has a token under the name "${name}"${suggest(name, names)}`)
    },
  })
}

const bad = (what: string) => fault('millrace/bad-option', `tokens.make: ${what}`)

/** By the store: its tokens by hash. Who finds one by its SHA-256 learns nothing from the time that it takes. */
const known = new WeakMap<object, Promise<ReadonlyMap<string, TokenKept>>>()

/** The tokens of a store by hash, as they are now. */
export function knownTokens(store: Pick<TokenStore, 'tokens'>): Promise<ReadonlyMap<string, TokenKept>> {
  let found = known.get(store)
  if (found === undefined) {
    found = store.tokens().then((all) => new Map(all.map((one) => [one.hash, one])))
    found.catch(() => known.delete(store))
    known.set(store, found)
  }
  return found
}

/** A read that began before the end of a change may lack it, and is not kept. */
async function changing<T>(store: TokenStore, change: () => Promise<T>): Promise<T> {
  try {
    return await change()
  } finally {
    known.delete(store)
  }
}
