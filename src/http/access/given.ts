// From what is said about access to what decides: a function of the user's as it is; else tokens, sessions and services.
import { fault } from '../../model/errors.ts'
import { inBrief } from '../../model/people.ts'
import type { Who } from '../../model/permissions.ts'
import type { Edge } from '../../operate/edge.ts'
import { hashOf, newToken } from '../../operate/token.ts'
import { knownTokens } from '../../operate/tokens-surface.ts'
import { userName } from '../../operate/user-name.ts'
import { Access } from './access.ts'
import { type Asks, checkedAsks } from './asks.ts'
import { checkAccess, type GivenAccess } from './options.ts'
import { readOwnFile, writeOwnFile } from './own-file.ts'
import { type SessionFile, Sessions } from './sessions.ts'
import { makeTokenFile, tokenFileOf } from './token-file.ts'

export interface Decides {
  readonly asks: Asks
  readonly own: Access | undefined
  readonly token: string | undefined
  /** The path of the file that has the token. */
  readonly tokenFile: string | undefined
}

/**
 * @throws `millrace/bad-option`, `millrace/unknown-option`; `millrace/cannot-open` where the token file cannot be written
 */
export function accessOf(
  edge: Pick<Edge, 'world' | 'offline' | 'access'>,
  given: GivenAccess | undefined,
  { isLocal, host }: { readonly isLocal: boolean; readonly host: string },
): Decides {
  if (typeof given === 'function')
    return { asks: checkedAsks('serve', given), own: undefined, token: undefined, tokenFile: undefined }
  const rules = checkAccess('serve', given ?? {})
  const bad = (what: string) =>
    fault('millrace/bad-option', `serve: host "${host}" can be reached from elsewhere: ${what}`)
  if (!isLocal && rules.open) throw bad('access.open is for this machine only')
  if (!isLocal && rules.tokens.length + rules.services.length === 0) {
    throw bad('give `access`: a function that tells who sends a request, tokens or services')
  }
  const at = edge.offline()?.controlPath
  const token = at === undefined ? newToken() : makeTokenFile(at)
  const tokens = [...rules.tokens, { ...machine(), hash: hashOf(token) }]
  const kept = () => knownTokens(edge.access())
  const own = new Access({ ...rules, tokens }, () => edge.world.now(), { kept, sessions: sessionsOf(edge, at) })
  const tokenFile = at === undefined ? undefined : tokenFileOf(at)
  return { asks: (request, from) => own.who(request, from), own, token, tokenFile }
}

/** Of an app, for all of its servers. */
const sessions = new WeakMap<object, Sessions>()

function sessionsOf(edge: Pick<Edge, 'world'>, at: string | undefined): Sessions {
  let found = sessions.get(edge)
  if (found === undefined) {
    found = new Sessions(() => edge.world.now(), at === undefined ? undefined : sessionFile(edge, `${at}-sessions`))
    sessions.set(edge, found)
  }
  return found
}

/** `FILE-sessions`. Where it cannot be written, a restart ends the sessions that it lacks. */
function sessionFile({ world }: Pick<Edge, 'world'>, path: string): SessionFile {
  return {
    read: () => readOwnFile(path),
    write: (text) => {
      try {
        writeOwnFile(path, text, 'file of sessions')
      } catch (error) {
        world.log('warn', 'sessions are not kept over a restart', { error: inBrief(error) })
      }
    },
  }
}

/** Who may read the token file: the user whose process this is. */
export function machine(): Who {
  return { name: userName(), grants: [{ role: 'admin' }] }
}
