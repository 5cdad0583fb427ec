// Sessions of browsers. A code is shown to who starts the app; it is used once, within ten minutes, and begins a session:
//
//   code:     made ──used──→ gone           session:  begun ──ended, 12 hours unused, or its token counts no more──→ gone
//               └──10 minutes──→ gone
//
// A session is a hash of its own, and that of the token by which it began: its person, and what they may do, are what the
// token says at each request. Sessions are kept beside the file of the app, so that a restart, as of `millrace dev`, signs
// nobody out; codes live in memory. Their number is bounded, and the oldest goes first.
import { randomBytes } from 'node:crypto'
import { hashOf, isHash } from '../../operate/token.ts'

export const codeMs: number = 10 * 60_000
export const sessionMs: number = 12 * 3_600_000
/** A session that is used is written again after so long. */
const writtenMs = 3_600_000
const kept = 1_000

/** Where sessions outlive a restart. */
export interface SessionFile {
  /** Reads what was written; undefined where there is nothing. */
  read(): string | undefined
  write(text: string): void
}

interface Entry {
  /** The hash of the token by which it began. */
  readonly token: string
  until: number
  /** The end that the file has. */
  written: number
}

export class Sessions {
  private readonly now: () => number
  private readonly file: SessionFile | undefined
  /** By their hashes: what is in memory, and in the file, opens nothing. */
  private readonly codes = new Map<string, Entry>()
  private readonly sessions = new Map<string, Entry>()

  constructor(now: () => number, file?: SessionFile) {
    this.now = now
    this.file = file
    for (const line of file?.read()?.split('\n') ?? []) {
      const [hash, token, end] = line.split(' ')
      const until = Number(end)
      if (!isHash(hash) || !isHash(token) || !(now() < until && until <= now() + sessionMs)) continue
      this.sessions.set(hash, { token, until, written: until })
    }
  }

  /** Makes a code that begins one session of who has the token of this hash. */
  code(token: string): string {
    return this.add(this.codes, token, codeMs)
  }

  /** Begins a session with a code; undefined when there is none, or it was used, or is too old. */
  begin(code: string): { readonly session: string; readonly token: string } | undefined {
    const hash = hashOf(code)
    const entry = this.alive(this.codes, hash)
    if (entry === undefined) return undefined
    this.codes.delete(hash)
    return { session: this.of(entry.token), token: entry.token }
  }

  /** Begins a session of who has the token of this hash. */
  of(token: string): string {
    const session = this.add(this.sessions, token, sessionMs)
    this.write()
    return session
  }

  /** Returns the hash of the token by which a session began, and keeps it up. */
  token(session: string): string | undefined {
    const entry = this.alive(this.sessions, hashOf(session))
    if (entry === undefined) return undefined
    entry.until = this.now() + sessionMs
    if (entry.until - entry.written >= writtenMs) this.write()
    return entry.token
  }

  end(session: string): void {
    if (this.sessions.delete(hashOf(session))) this.write()
  }

  private write(): void {
    if (this.file === undefined) return
    const now = this.now()
    const lines: string[] = []
    for (const [hash, entry] of this.sessions) {
      if (now >= entry.until) continue
      entry.written = entry.until
      lines.push(`${hash} ${entry.token} ${entry.until}\n`)
    }
    this.file.write(lines.join(''))
  }

  private add(to: Map<string, Entry>, token: string, ms: number): string {
    if (to.size >= kept) to.delete(to.keys().next().value!)
    const secret = randomBytes(24).toString('base64url')
    const until = this.now() + ms
    to.set(hashOf(secret), { token, until, written: until })
    return secret
  }

  private alive(from: Map<string, Entry>, hash: string): Entry | undefined {
    const entry = from.get(hash)
    if (entry !== undefined && this.now() < entry.until) return entry
    from.delete(hash)
    return undefined
  }
}
