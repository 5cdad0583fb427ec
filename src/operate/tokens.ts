// `app.tokens`: tokens of people and programs for the HTTP server, kept with the app.
import type { Actor } from '../model/desk.ts'
import type { Grant, Role } from '../model/permissions.ts'
import type { TokenKept } from '../seam/access.ts'

/** A token, without the token itself. */
export type TokenItem = Omit<TokenKept, 'hash'>

/** What a new token allows, and until when. */
export interface NewToken {
  /** Roles, or roles narrowed to names of topics, channels and parts. At least one. */
  readonly grants: readonly (Role | Grant)[]
  /** The time from which it no longer counts, milliseconds since 1970, later than now. Default: never. */
  readonly expiresAt?: number | undefined
  /** The name of the person who makes it. Default: the app. */
  readonly by?: string | undefined
  /** The reason, for the audit log. */
  readonly reason?: string | undefined
}

/** A token that was made: it is shown once. */
export interface MadeToken extends TokenItem {
  /** The token: `mrt_` and 43 characters. */
  readonly token: string
}

/** The tokens of people and programs for the HTTP server of an app. */
export interface Tokens {
  /**
   * Lists the tokens by name, also those whose time is over. The tokens themselves are not kept.
   *
   * @returns a row for each
   *
   * @example
   * ```ts
   * for (const { name, grants } of await shop.tokens.list()) console.log(name, grants.map(({ role }) => role).join())
   * ```
   */
  list(): Promise<TokenItem[]>
  /**
   * Makes a token. It counts at once, and is in the audit log. It is shown here and never again.
   *
   * @param name the name of the person or program that gets it, for the audit log, 1 to 200 characters; each has one
   * @param options what it allows, and until when
   * @returns the token with its row
   * @throws `millrace/token-exists`, `millrace/bad-option`
   *
   * @example
   * ```ts
   * const { token } = await shop.tokens.make('till 3', { grants: [{ role: 'sender', on: ['orders'] }], by: 'ada' })
   * console.log(token) // mrt_…
   * ```
   */
  make(name: string, options: NewToken): Promise<MadeToken>
  /**
   * Ends a token: no later request with it is taken. It is in the audit log. The name may have a new one after that.
   *
   * @param name the name that has it
   * @param actor the person who ends it, and why. Default: the app
   * @throws `millrace/unknown-token`
   *
   * @example
   * ```ts
   * await shop.tokens.make('till 4', { grants: ['sender'] })
   * await shop.tokens.revoke('till 4', { by: 'ada', reason: 'the till was stolen' })
   * ```
   */
  revoke(name: string, actor?: Actor): Promise<void>
}
