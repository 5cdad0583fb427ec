// Claims, notes and snoozes for people: what is asked for is checked here, and done by the backend.
import { checkActor, checkText } from '../model/desk.ts'
import { fault } from '../model/errors.ts'
import type { Claims } from '../seam/claims.ts'
import type { DeskClaims } from './desk-claims.ts'

const forMs = { default: 30 * 60_000, min: 1_000, max: 7 * 86_400_000 }
const snoozeMsMax = 366 * 86_400_000

export interface ClaimsBackend {
  /** Writes what people tell, about a message where it is about one. */
  tell(item: number | undefined, write: (claims: Claims) => Promise<void>): Promise<void>
}

export function claimsOn(backend: () => ClaimsBackend, now: () => number): DeskClaims {
  const tell: ClaimsBackend['tell'] = async (item, write) => backend().tell(item, write)
  return {
    claim: async (id, { forMs: ms = forMs.default, takeOver = false, ...actor }) => {
      const { by, reason = null } = checkActor('claim', actor)
      if (!Number.isSafeInteger(ms) || ms < forMs.min || ms > forMs.max) {
        throw fault('millrace/bad-option', `claim: forMs is ${ms}, but must be from ${forMs.min} to ${forMs.max}`)
      }
      return tell(id, (claims) => {
        const at = now()
        return claims.claim(id, { by, at, until: at + ms }, { takeOver, reason })
      })
    },
    unclaim: async (id, actor) => {
      const who = checkActor('unclaim', actor)
      return tell(id, (claims) => claims.unclaim(id, who, now()))
    },
    note: async (about, text, actor) => {
      const { by } = checkActor('note', actor)
      checkText('note', 'text', text)
      const what = noted(about)
      const item = 'item' in what ? what.item : undefined
      return tell(item, (claims) => claims.note(what, text, { by, at: now() }))
    },
    snooze: async (group, { until, orCount, ...actor }) => {
      const { by } = checkActor('snooze', actor)
      const reason = checkText('snooze', 'reason', actor.reason)
      const at = now()
      if (until <= at || until > at + snoozeMsMax) {
        const what = `snooze: until is ${until}, but must be a time within a year from now, in milliseconds since 1970`
        throw fault('millrace/bad-option', what)
      }
      return tell(undefined, (claims) => claims.snooze(group, { until: Math.ceil(until), orCount, by, at, reason }))
    },
    wake: async (group, actor) => {
      const who = checkActor('wake', actor)
      return tell(undefined, (claims) => claims.wake(group, who, now()))
    },
  }
}

/** @throws `millrace/bad-option` */
function noted(about: unknown): { readonly item: number } | { readonly group: number } {
  if (Number.isSafeInteger(about)) return { item: about as number }
  const group = (about as { readonly group?: unknown } | null)?.group
  if (Number.isSafeInteger(group)) return { group: group as number }
  throw fault('millrace/bad-option', 'note: give the number of a message, or { group } with that of a group')
}
