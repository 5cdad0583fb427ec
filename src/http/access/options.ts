// What is said about access to a server, and what becomes of it.
import { fault } from '../../model/errors.ts'
import { suggest } from '../../model/names.ts'
import { checkWho, type Grant, type Role } from '../../model/permissions.ts'
import { isHash, type Token } from '../../operate/token.ts'
import type { Asks } from './asks.ts'
import type { SignInService } from './oidc.ts'

/** A token of a person or program. */
export interface TokenOptions {
  /** Its name in the audit log, 1 to 200 characters. */
  readonly name: string
  /** The SHA-256 of the token, 64 hexadecimal digits. The guide "Requests and HTTP" makes both. */
  readonly hash: string
  /** What it allows: roles, or roles narrowed to names. */
  readonly grants: readonly (Role | Grant)[]
  /** The time from which it no longer counts; default: never. */
  readonly expires?: Date | undefined
}

/** Who may use a server of an app. The token of the file `FILE-token` is always one of them. */
export interface AccessOptions {
  /** Tokens, at most 10,000. */
  readonly tokens?: readonly TokenOptions[] | undefined
  /** Sign-in services whose signed tokens (JWT) are accepted, at most 100. */
  readonly services?: readonly SignInService[] | undefined
  /** Names that the server is reached by, besides those of this machine, such as `mill.example.org`. */
  readonly hosts?: readonly string[] | undefined
  /** True to let everybody on this machine do everything without a token. Only on loopback. Default false. */
  readonly open?: boolean | undefined
}

export interface AccessRules {
  readonly tokens: readonly Token[]
  readonly services: readonly SignInService[]
  readonly hosts: readonly string[]
  readonly open: boolean
}

const names = ['tokens', 'services', 'hosts', 'open'] as const satisfies (keyof AccessOptions)[]
const tokensMax = 10_000
const servicesMax = 100

/** @throws `millrace/bad-option`, `millrace/unknown-option` */
export function checkAccess(where: string, given: AccessOptions): AccessRules {
  const bad = (what: string) => fault('millrace/bad-option', `${where}: ${what}`)
  if (typeof given !== 'object' || given === null) throw bad('access must be a function, or an object')
  for (const name of Object.keys(given)) {
    if ((names as readonly string[]).includes(name)) continue
    throw fault('millrace/unknown-option', `${where}: access has no "${name}"${suggest(name, names)}`)
  }
  const { tokens = [], services = [], hosts = [], open = false } = given
  if (!Array.isArray(tokens) || tokens.length > tokensMax)
    throw bad(`access.tokens must be a list of at most ${tokensMax}`)
  if (!Array.isArray(services) || services.length > servicesMax) {
    throw bad(`access.services must be a list of at most ${servicesMax}`)
  }
  if (!Array.isArray(hosts) || !hosts.every((host) => typeof host === 'string' && host !== '')) {
    throw bad('access.hosts must be a list of names')
  }
  if (typeof open !== 'boolean') throw bad('access.open must be true or false')
  return {
    tokens: tokens.map((token, at) => checkToken(`${where}: access.tokens[${at}]`, token)),
    services,
    hosts,
    open,
  }
}

function checkToken(where: string, given: TokenOptions): Token {
  const bad = (what: string) => fault('millrace/bad-option', `${where}: ${what}`)
  const who = checkWho(where, given)
  const { hash, expires } = given
  if (!isHash(hash))
    throw bad('hash must be the SHA-256 of the token, 64 hexadecimal digits: see the guide "Requests and HTTP"')
  if (who.grants.length === 0) throw bad('grants must be a list with a role')
  if (expires !== undefined && !(expires instanceof Date && Number.isFinite(expires.getTime()))) {
    throw bad('expires must be a Date')
  }
  return { ...who, hash, expiresAt: expires?.getTime() }
}

/** A function of the user's, or rules. */
export type GivenAccess = Asks | AccessOptions
