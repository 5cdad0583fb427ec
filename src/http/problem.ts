// Answers that are errors: problems of RFC 9457, with the code, the help and the facts of the error.
import { fault, isMillraceError, type MillraceError } from '../model/errors.ts'
import { inBrief } from '../model/people.ts'
import type { Edge } from '../operate/edge.ts'
import type { Answer } from './route.ts'
import { statusOf } from './status.ts'

/** What is wrong with a part of a body. */
export interface PartWrong {
  /** JSON pointer (RFC 6901) of that part; empty for the whole. */
  readonly pointer: string
  readonly detail: string
}

/** After so many seconds what fails for the moment may be tried again. */
const retryAfter = '1'

/** The answer for an error of Millrace. */
export function problemOf(error: MillraceError, how: { readonly status?: number | undefined } = {}): Answer {
  const { code, message: detail, help, retryable, data } = error
  const status = how.status ?? statusOf(code)
  const {
    pointer,
    headers,
    errors = pointer === undefined ? undefined : [{ pointer, detail }],
    ...facts
  } = isObject(data) ? (data as Facts) : {}
  return {
    status,
    headers: {
      'content-type': 'application/problem+json',
      ...(status === 401 ? { 'www-authenticate': 'Bearer' } : {}),
      ...(status === 503 ? { 'retry-after': retryAfter } : {}),
      ...headers,
    },
    json: {
      type: `urn:millrace:error:${code.slice('millrace/'.length)}`,
      title: code.slice('millrace/'.length).replaceAll('-', ' '),
      status,
      detail,
      code,
      retryable,
      help,
      ...(errors === undefined ? {} : { errors }),
      ...(Object.keys(facts).length === 0 ? {} : { data: facts }),
    },
  }
}

interface Facts {
  readonly pointer?: string | undefined
  readonly errors?: readonly PartWrong[] | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
}

/** The answer for anything that was thrown. What nobody expects is logged under an id, which the answer has. */
export function answerOfError(error: unknown, { world }: Edge): Answer {
  if (isMillraceError(error) && statusOf(error.code) !== 500) return problemOf(error)
  const id = world.newId()
  const why = isMillraceError(error) ? `${error.code}: ${error.message}` : inBrief(error)
  world.log('error', 'a request over HTTP failed', { id, error: why, stack: stackOf(error) })
  return problemOf(
    fault('millrace/unexpected', `the request failed; the log of the app has it as ${id}`, { data: { id } }),
  )
}

function stackOf(error: unknown): string | undefined {
  try {
    return error instanceof Error ? error.stack : undefined
  } catch {
    return undefined
  }
}

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
