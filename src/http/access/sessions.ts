// Sessions of browsers. A code is shown to who starts the app; it is used once, within ten minutes, and begins a session:
//
//   code:     made ──used──→ gone           session:  begun ──ended, or 12 hours unused──→ gone
//               └──10 minutes──→ gone
//
// Both live in memory: a restart ends them. Their number is bounded, and the oldest goes first.
import { randomBytes } from 'node:crypto'
import type { Who } from '../../model/permissions.ts'
import { hashOf } from '../../operate/token.ts'

export const codeMs: number = 10 * 60_000
export const sessionMs: number = 12 * 3_600_000
const kept = 1_000

interface Entry {
  readonly who: Who
  until: number
}

export class Sessions {
  private readonly now: () => number
  /** By their hashes: what is in memory opens nothing. */
  private readonly codes = new Map<string, Entry>()
  private readonly sessions = new Map<string, Entry>()

  constructor(now: () => number) {
    this.now = now
  }

  /** Makes a code that begins one session. */
  code(who: Who): string {
    return this.add(this.codes, who, codeMs)
  }

  /** Begins a session with a code; undefined when there is none, or it was used, or is too old. */
  begin(code: string): { readonly session: string; readonly who: Who } | undefined {
    const hash = hashOf(code)
    const entry = this.alive(this.codes, hash)
    if (entry === undefined) return undefined
    this.codes.delete(hash)
    return { session: this.of(entry.who), who: entry.who }
  }

  /** Begins a session of somebody who is known. */
  of(who: Who): string {
    return this.add(this.sessions, who, sessionMs)
  }

  /** Tells whose session it is, and keeps it up. */
  who(session: string): Who | undefined {
    const entry = this.alive(this.sessions, hashOf(session))
    if (entry !== undefined) entry.until = this.now() + sessionMs
    return entry?.who
  }

  end(session: string): void {
    this.sessions.delete(hashOf(session))
  }

  private add(to: Map<string, Entry>, who: Who, ms: number): string {
    if (to.size >= kept) to.delete(to.keys().next().value!)
    const secret = randomBytes(24).toString('base64url')
    to.set(hashOf(secret), { who, until: this.now() + ms })
    return secret
  }

  private alive(from: Map<string, Entry>, hash: string): Entry | undefined {
    const entry = from.get(hash)
    if (entry !== undefined && this.now() < entry.until) return entry
    from.delete(hash)
    return undefined
  }
}
