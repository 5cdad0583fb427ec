// A request that may come twice is done once, by its `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header).
//
//   ──first──→ under way ──answered, or refused──→ kept ──24 hours, or newer ones need the room──→ forgotten
//                   └──failed: it may be tried again──→ forgotten
//
//   again with the same content: 409 while it is under way, then the same answer; with other content: 422.
//
// A key is of one name and one app. Answers are kept in memory: a restart forgets them, and a repair that comes again
// after it is stopped by its revision. An answer of 5xx is not kept: nothing is done, or it is not known.
import { createHash } from 'node:crypto'
import { fault, isMillraceError, type MillraceError } from '../model/errors.ts'
import type { Edge } from '../operate/edge.ts'
import { idempotencyKey } from './media.ts'
import type { Answer, Call } from './route.ts'
import { statusOf } from './status.ts'

const keptMs = 24 * 3_600_000
const keptMax = 10_000
const charsMax = 16 * 1024 * 1024
const keyCharsMax = 255

export const onceHeader = {
  'Idempotency-Key': {
    is: 'A new text for each act: a request that comes again with it is answered, and not done again.',
  },
} as const

type Ended = { readonly answer: Answer } | { readonly error: MillraceError }

interface Kept {
  readonly content: string
  readonly ended: Ended
  readonly chars: number
  readonly until: number
}

/** By app. */
const answers = new WeakMap<Edge, Answers>()

/**
 * Does what a request asks for, or gives the answer that it had before.
 *
 * @throws `millrace/key-reused`, `millrace/key-under-way`, `millrace/bad-request`, and what `act` throws
 */
export async function once(call: Call, act: () => Promise<Answer>): Promise<Answer> {
  const { edge, request, who, given } = call
  const key = idempotencyKey(request.headers)
  if (key === undefined) return act()
  if (key === '' || key.length > keyCharsMax) {
    throw fault('millrace/bad-request', `Idempotency-Key must have 1 to ${keyCharsMax} characters`)
  }
  let all = answers.get(edge)
  if (all === undefined) {
    all = new Answers(() => edge.world.now())
    answers.set(edge, all)
  }
  const asked = [request.method, new URL(request.url).pathname, request.headers.get('if-match'), given]
  const content = createHash('sha256').update(JSON.stringify(asked)).digest('base64')
  return all.once(JSON.stringify([who!.name, key]), content, act)
}

export class Answers {
  private readonly now: () => number
  /** The content of those under way, by key. */
  private readonly underWay = new Map<string, string>()
  /** The oldest first. */
  private readonly kept = new Map<string, Kept>()
  private chars = 0

  constructor(now: () => number) {
    this.now = now
  }

  async once(key: string, content: string, act: () => Promise<Answer>): Promise<Answer> {
    this.forget()
    const before = this.kept.get(key)
    const asked = before?.content ?? this.underWay.get(key)
    if (asked !== undefined && asked !== content) {
      throw fault('millrace/key-reused', 'this Idempotency-Key came before, with another request')
    }
    if (before !== undefined) return again(before.ended)
    if (asked !== undefined) {
      throw fault('millrace/key-under-way', 'the request with this Idempotency-Key is still under way')
    }
    this.underWay.set(key, content)
    try {
      const answer = await act()
      this.keep(key, content, { answer })
      return answer
    } catch (error) {
      if (isMillraceError(error) && !error.retryable && statusOf(error.code) < 500) this.keep(key, content, { error })
      throw error
    } finally {
      this.underWay.delete(key)
    }
  }

  private keep(key: string, content: string, ended: Ended): void {
    const chars = key.length + ('answer' in ended ? (JSON.stringify(ended.answer.json)?.length ?? 0) : 0)
    this.kept.set(key, { content, ended, chars, until: this.now() + keptMs })
    this.chars += chars
  }

  private forget(): void {
    const now = this.now()
    for (const [key, { until, chars }] of this.kept) {
      if (now < until && this.kept.size <= keptMax && this.chars <= charsMax) return
      this.kept.delete(key)
      this.chars -= chars
    }
  }
}

function again(ended: Ended): Answer {
  if ('error' in ended) throw ended.error
  return ended.answer
}
