// Signed tokens (JWT) of a sign-in service, as bearer tokens or as the assertion that a proxy in front adds. What they say
// becomes a name for the audit log and grants; a token without a name or without a known role opens nothing.
import { fault } from '../../model/errors.ts'
import { messageOf } from '../../model/people.ts'
import { checkGrant, type Grant, type Who } from '../../model/permissions.ts'

/** A sign-in service whose signed tokens are accepted. */
export interface SignInService {
  /** The `iss` of its tokens, an https URL. */
  readonly issuer: string
  /** The `aud` of tokens that are for this app. */
  readonly audience: string
  /** Its public keys (a JWK set), a URL. Default: what `ISSUER/.well-known/openid-configuration` names. */
  readonly keys?: string | undefined
  /** Header in which a proxy puts the token, such as `cf-access-jwt-assertion`. Default: `authorization`, as bearer. */
  readonly header?: string | undefined
  /** Claim with the name of the person, a dotted path. Default `email`. */
  readonly nameClaim?: string | undefined
  /** Claim with the roles of the person, a dotted path to a text or a list of texts, such as `realm_access.roles`. */
  readonly rolesClaim: string
  /** What each value of that claim grants; values that are not here grant nothing. */
  readonly grants: Readonly<Record<string, Grant | Grant['role']>>
}

/** Asymmetric ones only: who checks a token must not be able to make one. */
const algorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA']
const clockToleranceS = 30
const fetchMs = 5_000
const jwtPattern = /^[\w-]+\.[\w-]+\.[\w-]+$/

/** Tells who has a token. */
export type Verify = (token: string) => Promise<Who>

/**
 * Makes the check of the tokens of one service. It reads the public keys with the first token, and again when a token
 * names a key that it does not know.
 *
 * @returns a function that rejects with `millrace/not-signed-in` for each token that does not count
 * @throws `millrace/bad-option`
 */
export function verifierOf(service: SignInService): Verify {
  const { audience, issuer, rolesClaim, nameClaim = 'email' } = service
  const grants = new Map(
    Object.entries(service.grants).map(([value, grant]) => [value, checkGrant(`access: role "${value}"`, grant)]),
  )
  for (const [name, text] of Object.entries({ issuer, audience, rolesClaim, nameClaim })) {
    if (typeof text !== 'string' || text === '') throw fault('millrace/bad-option', `access: ${name} must be a text`)
  }
  if (!URL.canParse(issuer)) throw fault('millrace/bad-option', `access: issuer "${issuer}" must be a URL`)
  let checks: Promise<(token: string) => Promise<Record<string, unknown>>> | undefined
  return async (token) => {
    if (!jwtPattern.test(token)) throw refused('it is no signed token')
    checks ??= checksOf(service)
    // A service that cannot be reached is asked again by the next token.
    const check = await checks.catch((error) => {
      checks = undefined
      throw fault('millrace/sign-in-unreachable', `the keys of ${issuer} cannot be read: ${messageOf(error)}`, {
        cause: error,
      })
    })
    return whoOf(await check(token), { nameClaim, rolesClaim, grants })
  }
}

async function checksOf({ issuer, audience, keys }: SignInService) {
  const { createRemoteJWKSet, errors, jwtVerify } = await import('jose')
  const keySet = createRemoteJWKSet(new URL(keys ?? (await keysOf(issuer))), { timeoutDuration: fetchMs })
  const options = { issuer, audience, algorithms, clockTolerance: clockToleranceS, requiredClaims: ['exp'] }
  return async (token: string) => {
    try {
      return (await jwtVerify(token, keySet, options)).payload as Record<string, unknown>
    } catch (error) {
      const unreachable = !(error instanceof errors.JOSEError) || error instanceof errors.JWKSTimeout
      if (unreachable)
        throw fault('millrace/sign-in-unreachable', `the keys of ${issuer} cannot be read: ${messageOf(error)}`)
      throw refused(messageOf(error))
    }
  }
}

async function keysOf(issuer: string): Promise<string> {
  const answer = await fetch(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`, {
    redirect: 'error',
    signal: AbortSignal.timeout(fetchMs),
  })
  const { jwks_uri: uri } = (await answer.json()) as { readonly jwks_uri?: unknown }
  if (typeof uri !== 'string') throw new Error('the service names no keys')
  return uri
}

interface Claims {
  readonly nameClaim: string
  readonly rolesClaim: string
  readonly grants: ReadonlyMap<string, Grant>
}

function whoOf(payload: Record<string, unknown>, { nameClaim, rolesClaim, grants }: Claims): Who {
  const name = at(payload, nameClaim)
  if (typeof name !== 'string' || name === '')
    throw refused(`it has no "${nameClaim}": each act has a name in the audit log`)
  const said = at(payload, rolesClaim)
  const values = Array.isArray(said) ? said : [said]
  const granted = values.flatMap((value) => grants.get(String(value)) ?? [])
  if (granted.length === 0) throw refused(`its "${rolesClaim}" has no role of this app`)
  return { name: name.slice(0, 200), grants: granted }
}

function at(payload: unknown, path: string): unknown {
  if (Object.hasOwn(Object(payload), path)) return (payload as Record<string, unknown>)[path]
  let value = payload
  for (const key of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined
    value = (value as Record<string, unknown>)[key]
  }
  return value
}

function refused(why: string) {
  return fault('millrace/not-signed-in', `the token does not count: ${why}`)
}
