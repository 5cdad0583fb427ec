// Who may do what: pure values. A person or program has grants; a grant is a role, which may be narrowed to names.
import { fault } from './errors.ts'
import { own, suggest } from './names.ts'
import { type Permission, permissions, type Role, roles } from './roles.ts'

export { type Permission, permissions, type Role, roles } from './roles.ts'

/** A role, for everything or for some topics, channels and parts. */
export interface Grant {
  readonly role: Role
  /** Names of topics, channels and parts, or beginnings of names that end with `*`. Default: all. */
  readonly on?: readonly string[] | undefined
}

/** A person or program that is known. */
export interface Who {
  /** Its name in the audit log, 1 to 200 characters. */
  readonly name: string
  readonly grants: readonly Grant[]
}

/**
 * Tells whether somebody may do something.
 *
 * @param place the topics, channels and parts that it concerns; empty when it concerns all of them, which a narrowed
 *   grant does not allow
 */
export function isAllowed(who: Who, permission: Permission, place: readonly string[] = []): boolean {
  return who.grants.some(({ role, on }) => {
    if (!(roles[role] as readonly Permission[]).includes(permission)) return false
    return on === undefined || place.some((name) => on.some((pattern) => matches(pattern, name)))
  })
}

/** Errors: `millrace/not-allowed`. */
export function checkAllowed(who: Who, permission: Permission, place?: readonly string[]): void {
  if (isAllowed(who, permission, place)) return
  const where = place === undefined || place.length === 0 ? '' : ` at ${place.map((name) => `"${name}"`).join(' and ')}`
  throw fault('millrace/not-allowed', `${who.name} may not ${permission}${where}`, { data: { permission, place } })
}

/** Tells whether somebody may do something somewhere, however narrow the grant is. */
export function isAllowedSomewhere({ grants }: Who, permission: Permission): boolean {
  return grants.some(({ role }) => (roles[role] as readonly Permission[]).includes(permission))
}

/** All that somebody may do somewhere, in the order of {@link permissions}. */
export function permissionsOf({ grants }: Who): Permission[] {
  const may = new Set<Permission>(grants.flatMap(({ role }) => roles[role]))
  return permissions.filter((permission) => may.has(permission))
}

function matches(pattern: string, name: string): boolean {
  return pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern
}

const nameMax = 200
const grantsMax = 100

/**
 * Reads what is said about somebody; `where` begins the error.
 *
 * @throws `millrace/bad-option`
 */
export function checkWho(where: string, given: unknown): Who {
  const bad = (what: string) => fault('millrace/bad-option', `${where}: ${what}`)
  if (typeof given !== 'object' || given === null) throw bad('it must be an object, { name, grants }')
  const { name, grants } = given as Partial<Who>
  if (typeof name !== 'string' || name === '' || name.length > nameMax) {
    throw bad(`name must be a text of 1 to ${nameMax} characters`)
  }
  if (!Array.isArray(grants) || grants.length > grantsMax) throw bad(`grants must be a list of at most ${grantsMax}`)
  return { name, grants: grants.map((grant) => checkGrant(`${where}: "${name}"`, grant)) }
}

/** @throws `millrace/bad-option` */
export function checkGrant(where: string, given: unknown): Grant {
  const bad = (what: string) => fault('millrace/bad-option', `${where}: ${what}`)
  const { role, on } = (typeof given === 'object' && given !== null ? given : { role: given }) as Partial<Grant>
  if (typeof role !== 'string' || own(roles, role) === undefined) {
    throw bad(`role must be one of ${Object.keys(roles).join(', ')}${suggest(String(role), Object.keys(roles))}`)
  }
  if (on === undefined) return { role }
  if (!Array.isArray(on) || on.length === 0 || !on.every((one) => typeof one === 'string' && /^[^*]+\*?$/.test(one))) {
    throw bad('on must be a list of names, or of beginnings that end with "*"')
  }
  return { role, on: [...on] as string[] }
}
