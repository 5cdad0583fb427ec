// Who may reach an app over HTTP, and who was refused.
import type { Actor, Audit } from '../model/desk.ts'
import type { Grant } from '../model/permissions.ts'

/** A token as it is kept: never the token itself. */
export interface TokenKept {
  /** The name of the person or program that has it; each name has one. */
  readonly name: string
  /** SHA-256 of the token, hexadecimal. */
  readonly hash: string
  readonly grants: readonly Grant[]
  readonly createdAt: number
  /** The person who made it. */
  readonly by: string
  /** The time from which it no longer counts; null for never. */
  readonly expiresAt: number | null
}

/** Each change is one transaction with its line of the audit log, and durable when it resolves. */
export interface AccessStore {
  /** Writes lines about refused requests into the audit log, in order. */
  refused(lines: readonly Audit[]): Promise<void>
  /** All tokens, by name. Never shows what is not durable. */
  tokens(): Promise<TokenKept[]>
  /** Adds a token; the line has what it grants. Returns false, and changes nothing, where its name has one. */
  addToken(token: TokenKept, reason: string | undefined): Promise<boolean>
  /** Removes a token. Returns false, and changes nothing, where the name has none. */
  revokeToken(name: string, actor: Actor, at: number): Promise<boolean>
}
