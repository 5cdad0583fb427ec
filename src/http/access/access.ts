// Who asks: from a request to a name with grants, or to an error. The parts of it are beside this file.
//
//   host known ─→ token (bearer) ─→ assertion of a proxy ─→ session (cookie, own origin) ─→ open (own origin) ─→ nobody
//
// The first that a request has decides: a token that does not count is never made good by a session.
import { fault, isMillraceError } from '../../model/errors.ts'
import type { Who } from '../../model/permissions.ts'
import { hashOf, KnownTokens, tokenPattern, whoHasHash } from '../../operate/token.ts'
import type { TokenKept } from '../../seam/access.ts'
import { Buckets } from './buckets.ts'
import { type Verify, verifierOf } from './oidc.ts'
import type { AccessRules } from './options.ts'
import { checkHost, checkOrigin, isKnownHost, knownHosts } from './origin.ts'
import { Sessions } from './sessions.ts'

/** Failed logins of one address: 10 at once, and one more every 6 seconds. */
const failedLogins = { burst: 10, perSecond: 1 / 6 }

const everybody: Who = { name: 'anyone on this machine', grants: [{ role: 'admin' }] }

export const sessionCookie = 'millrace-session'

/** The tokens that are kept with the app, by hash. */
export type Kept = () => Promise<ReadonlyMap<string, Pick<TokenKept, 'name' | 'grants' | 'expiresAt'>>>

/** What an access keeps with the app. */
export interface AccessKept {
  readonly kept?: Kept | undefined
  readonly sessions?: Sessions | undefined
}

export class Access {
  readonly sessions: Sessions
  private readonly rules: AccessRules
  private readonly tokens: KnownTokens
  private readonly hosts: ReadonlySet<string>
  private readonly now: () => number
  private readonly kept: Kept
  private readonly failed: Buckets
  private readonly bearer: readonly Verify[]
  private readonly proxies: readonly (readonly [header: string, verify: Verify])[]

  /** @throws `millrace/bad-option` */
  constructor(rules: AccessRules, now: () => number, { kept = async () => new Map(), sessions }: AccessKept = {}) {
    this.rules = rules
    this.tokens = new KnownTokens(rules.tokens)
    this.hosts = knownHosts(rules.hosts)
    this.now = now
    this.kept = kept
    this.sessions = sessions ?? new Sessions(now)
    this.failed = new Buckets(failedLogins, now)
    const verifiers = rules.services.map(
      (service) => [service.header?.toLowerCase() ?? 'authorization', verifierOf(service)] as const,
    )
    this.bearer = verifiers.filter(([header]) => header === 'authorization').map(([, verify]) => verify)
    this.proxies = verifiers.filter(([header]) => header !== 'authorization')
  }

  /**
   * Tells who asks.
   *
   * @param from the address of the caller
   * @throws `millrace/wrong-host`, `millrace/not-signed-in`, `millrace/cross-site`, `millrace/too-many-logins`,
   *   `millrace/sign-in-unreachable`
   */
  async who(request: Request, from: string): Promise<Who> {
    const { headers } = request
    checkHost(headers.get('host'), this.hosts)
    const authorization = headers.get('authorization')
    if (authorization !== null) {
      const token = bearerIn(authorization)
      const known = token === undefined ? undefined : this.tokens.who(token, this.now())
      if (known !== undefined) {
        this.checkFailed(from)
        return known
      }
      return this.judged(from, async () => {
        if (token === undefined) throw fault('millrace/not-signed-in', 'the header authorization has no bearer token')
        return this.byToken(token)
      })
    }
    for (const [header, verify] of this.proxies) {
      const assertion = headers.get(header)
      if (assertion !== null) return this.judged(from, () => verify(assertion))
    }
    const who = await this.bySession(headers)
    if (who === undefined && !this.rules.open)
      throw fault('millrace/not-signed-in', 'the request has no token and no session')
    checkOrigin(request, { bySession: who !== undefined })
    return who ?? everybody
  }

  /** The same for a token of the rules, which is most often there; undefined for every other request. */
  atOnce({ headers }: Request, from: string): Who | undefined {
    const authorization = headers.get('authorization')
    const token = authorization === null ? undefined : bearerIn(authorization)
    if (token === undefined || !isKnownHost(headers.get('host'), this.hosts)) return undefined
    const who = this.tokens.who(token, this.now())
    return who !== undefined && this.failed.left(from).left > 0 ? who : undefined
  }

  /**
   * Begins a session for a page of this server.
   *
   * @param code a code that {@link Sessions.code} made, or a token that is known
   * @throws `millrace/wrong-host`, `millrace/cross-site`, `millrace/not-signed-in`, `millrace/too-many-logins`
   */
  async begin(request: Request, code: string, from: string): Promise<{ readonly session: string; readonly who: Who }> {
    checkHost(request.headers.get('host'), this.hosts)
    checkOrigin(request, { bySession: true })
    this.checkFailed(from)
    const begun = this.sessions.begin(code)
    const token = begun?.token ?? (tokenPattern.test(code) ? hashOf(code) : undefined)
    const who = token === undefined ? undefined : await this.whoHas(token)
    if (who !== undefined) return { session: begun?.session ?? this.sessions.of(token!), who }
    this.failed.take(from)
    throw fault('millrace/not-signed-in', 'the code was used, or is older than 10 minutes; or the token is not known')
  }

  /** Ends the session of a request, where it has one. */
  end({ headers }: Request): void {
    const session = cookieIn(headers.get('cookie') ?? '', sessionCookie)
    if (session !== undefined) this.sessions.end(session)
  }

  private async byToken(token: string): Promise<Who> {
    if (tokenPattern.test(token)) {
      const who = await this.whoHas(hashOf(token))
      if (who !== undefined) return who
      throw fault('millrace/not-signed-in', 'the token is not known, or its time is over')
    }
    let problem: unknown = fault('millrace/not-signed-in', 'the token is not known')
    for (const verify of this.bearer) {
      try {
        return await verify(token)
      } catch (error) {
        problem = error
      }
    }
    throw problem
  }

  /** Who has the token of a hash: one that was declared, or one that is kept with the app. */
  private async whoHas(hash: string): Promise<Who | undefined> {
    const declared = whoHasHash(this.rules.tokens, hash, this.now())
    if (declared !== undefined) return declared
    const found = (await this.kept()).get(hash)
    if (found === undefined || this.now() >= (found.expiresAt ?? Number.POSITIVE_INFINITY)) return undefined
    return { name: found.name, grants: found.grants }
  }

  private async bySession(headers: Headers): Promise<Who | undefined> {
    const session = cookieIn(headers.get('cookie') ?? '', sessionCookie)
    const token = session === undefined ? undefined : this.sessions.token(session)
    return token === undefined ? undefined : this.whoHas(token)
  }

  /** Counts failed logins of an address, and lets it wait after too many. */
  private async judged(from: string, login: () => Promise<Who>): Promise<Who> {
    this.checkFailed(from)
    try {
      return await login()
    } catch (error) {
      // A service that cannot be reached has not judged anybody.
      if (isMillraceError(error) && error.code === 'millrace/not-signed-in') this.failed.take(from)
      throw error
    }
  }

  private checkFailed(from: string): void {
    if (this.failed.left(from).left > 0) return
    throw fault('millrace/too-many-logins', `too many logins from ${from} have failed`)
  }
}

function bearerIn(authorization: string): string | undefined {
  return /^bearer +(\S+)$/i.exec(authorization)?.[1]
}

/** The value of a cookie, also under the prefix that ties it to https and to one host. */
export function cookieIn(header: string, name: string): string | undefined {
  for (const pair of header.split(';')) {
    const at = pair.indexOf('=')
    const key = pair.slice(0, at).trim()
    if (at > 0 && (key === name || key === `__Host-${name}`)) return pair.slice(at + 1).trim()
  }
  return undefined
}

/** The header that gives a browser its session. */
export function sessionHeader(session: string, { https }: { readonly https: boolean }): string {
  const [prefix, secure] = https ? ['__Host-', '; Secure'] : ['', '']
  return `${prefix}${sessionCookie}=${session}; Path=/; HttpOnly; SameSite=Strict${secure}`
}
