// The audit of refused requests. Anybody can have requests refused, at any rate: their lines are bounded.
//
//   quiet ──a refusal: one line──→ minute ──more: a line each, at most 10; all others are counted──→ over
//     ↑                                                                                              │
//     └──────────────── one line with the counts by code, where some were counted ──────────────────┘
//
// Invariants: at most `linesMax` lines and one of counts in a minute; each refusal is in a line or in a count, unless the
// process is killed within that minute, or the app does not run. An answer does not wait for its line.
import type { Audit } from '../../model/desk.ts'
import type { ErrorCode, MillraceError } from '../../model/errors.ts'
import type { Edge } from '../../operate/edge.ts'
import type { Route } from '../route.ts'

/** Refusals that are told by themselves in a minute. */
export const linesMax = 10
export const minuteMs = 60_000

/** The errors that say that somebody may not. */
const codes: ReadonlySet<ErrorCode> = new Set([
  'millrace/not-signed-in',
  'millrace/not-allowed',
  'millrace/wrong-host',
  'millrace/cross-site',
  'millrace/too-many-logins',
  'millrace/bad-signature',
])

export interface Refused {
  readonly route: Pick<Route, 'method' | 'path'>
  /** The name of the sender; undefined where it is not known. */
  readonly who: string | undefined
  readonly from: string
}

export class Refusals {
  private readonly edge: Pick<Edge, 'world' | 'access'>
  private lines = 0
  private counted = new Map<string, number>()
  private minute: { cancel(): void } | undefined

  constructor(edge: Pick<Edge, 'world' | 'access'>) {
    this.edge = edge
  }

  /** Records an error where it is a refusal. The path is that of the route: no data of users are in it. */
  add({ route, who, from }: Refused, { code, message }: MillraceError): void {
    if (!codes.has(code)) return
    const { world } = this.edge
    this.minute ??= world.after(minuteMs, () => this.end())
    if (this.lines === linesMax) {
      this.counted.set(code, (this.counted.get(code) ?? 0) + 1)
      return
    }
    this.lines++
    const by = who ?? `address ${from === '' ? 'unknown' : from}`
    this.write(by, { subject: `${route.method} ${route.path}`, reason: message, detail: { code, from } })
  }

  /** Ends a minute: what was counted is written. */
  end(): void {
    this.minute?.cancel()
    this.minute = undefined
    this.lines = 0
    if (this.counted.size === 0) return
    const counts = Object.fromEntries(this.counted)
    const total = [...this.counted.values()].reduce((sum, count) => sum + count, 0)
    this.counted = new Map()
    const reason = `${total} more within a minute`
    this.write('millrace', { subject: 'requests over HTTP', reason, detail: { counts } })
  }

  private write(by: string, line: Pick<Audit, 'subject' | 'reason' | 'detail'>): void {
    const { world, access } = this.edge
    const lost = (error: unknown) => world.log('warn', 'a refused request is not in the audit log', { error })
    try {
      access()
        .refused([{ at: world.now(), by, action: 'refused', item: null, ...line }])
        .catch(lost)
    } catch {
      // The app does not run: it answers that to everybody who may ask.
    }
  }
}

const all = new WeakMap<object, Refusals>()

/** Those of an app: the bound is for all its servers together. */
export function refusalsOf(edge: Edge): Refusals {
  let found = all.get(edge)
  if (found === undefined) {
    found = new Refusals(edge)
    all.set(edge, found)
  }
  return found
}
