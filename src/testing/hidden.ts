// Detects sources of chance that the seed does not control: the real clock, real chance, real timers, real I/O. They
// keep working; the watch only records who uses them, to name the user.
import { createHook } from 'node:async_hooks'
import nodeCrypto from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'
import { ownerNow } from '../adapters/node/late-errors.ts'
import { Branch } from '../engine/flow/branches.ts'
import { fault, type MillraceError } from '../model/errors.ts'

export interface Hidden {
  /**
   * `read`: returns another value each time. `wait`: ends at a time of its own. `replay`: returns another value each
   * time, in a mediator, whose function runs again from its beginning and must take the same path.
   */
  readonly kind: 'read' | 'wait' | 'replay'
  readonly source: string
  /** The user: a processor or a desk. */
  readonly who: string
  /** The place in the code, as far as the stack tells. */
  readonly where: string
}

export interface HiddenWatch {
  readonly seen: readonly Hidden[]
  /** Throws `millrace/not-deterministic` when it recorded a forbidden use, whatever its effect. */
  check(): void
  end(): void
}

type Holder = Record<string, unknown>

const places: readonly (readonly [Hidden['kind'], holder: () => Holder, prefix: string, names: readonly string[]])[] = [
  ['read', () => Date as unknown as Holder, 'Date.', ['now']],
  ['read', () => Math as unknown as Holder, 'Math.', ['random']],
  ['read', () => performance as unknown as Holder, 'performance.', ['now']],
  ['read', () => crypto as unknown as Holder, 'crypto.', ['randomUUID', 'getRandomValues']],
  ['read', () => process.hrtime as unknown as Holder, 'process.hrtime.', ['bigint']],
  ['read', () => process as unknown as Holder, 'process.', ['hrtime']],
  ['read', () => nodeCrypto as unknown as Holder, 'node:crypto ', ['randomUUID', 'randomBytes', 'randomInt']],
  ['wait', () => globalThis as unknown as Holder, '', ['setTimeout', 'setInterval', 'setImmediate', 'fetch']],
]

/** The name of the owner of a call; undefined for an owner that is not ours. */
export type NameOf = (owner: object) => string | undefined

interface Watching {
  readonly seen: Hidden[]
  readonly nameOf: NameOf
}

let watches: Set<Watching> | undefined
let unwatch: () => void = () => {}

/**
 * Starts recording the uses by handlers and rules whose owners have a name. With `deep` it also records uses that
 * bypass the globals, such as files, sockets and `node:timers/promises`, at some cost for each promise.
 */
export function watchHidden(
  nameOf: NameOf,
  { deep = false }: { readonly deep?: boolean | undefined } = {},
): HiddenWatch {
  if (watches === undefined) {
    watches = new Set()
    unwatch = replaceAll()
  }
  const watching: Watching = { seen: [], nameOf }
  const { seen } = watching
  watches.add(watching)
  const hook = deep ? createHook({ init: (_id, type) => notice('wait', asyncTypes.get(type)) }).enable() : undefined
  return {
    seen,
    check() {
      const found = seen.find(isWrong)
      if (found !== undefined) throw notDeterministic([found])
    },
    end() {
      hook?.disable()
      watches?.delete(watching)
      if (watches?.size !== 0) return
      watches = undefined
      unwatch()
    },
  }
}

/** Tells whether a use is forbidden even where two runs are the same. */
export const isWrong = ({ kind }: Hidden): boolean => kind !== 'read'

export function notDeterministic(seen: readonly Hidden[], what = ''): MillraceError {
  const list = [...new Set(seen.map(({ source, who, where }) => `${who} uses ${source}${where}`))]
  const said =
    list.length === 0
      ? 'something was used that the seed does not decide; state that outlives an app, such as a variable of its module, has to be made anew by each run: app: () => …'
      : list.join('; ')
  return fault('millrace/not-deterministic', `${what}${said}`, { data: { seen } })
}

/** The names that Node.js gives to its kinds of waits, with names for people. */
const asyncTypes = new Map([
  ['Timeout', 'a real timer'],
  ['Immediate', 'setImmediate'],
  ['FSREQPROMISE', 'real I/O (a file)'],
  ['FSREQCALLBACK', 'real I/O (a file)'],
  ['FILEHANDLE', 'real I/O (a file)'],
  ['TCPWRAP', 'real I/O (a socket)'],
  ['TCPCONNECTWRAP', 'real I/O (a socket)'],
  ['PIPEWRAP', 'real I/O (a pipe)'],
  ['GETADDRINFOREQWRAP', 'real I/O (a look-up of a name)'],
  ['PROCESSWRAP', 'real I/O (a process)'],
  ['RANDOMBYTESREQUEST', 'real chance'],
  ['WORKER', 'a worker thread'],
  ['MESSAGEPORT', 'a worker thread'],
])

function notice(kind: Hidden['kind'], source: string | undefined): void {
  const owner = source === undefined ? undefined : ownerNow()
  if (owner === undefined || watches === undefined) return
  const how = kind === 'read' && owner instanceof Branch ? 'replay' : kind
  for (const { seen, nameOf } of watches) {
    const who = seen.length < seenMax ? nameOf(owner) : undefined
    if (who !== undefined) seen.push({ kind: how, source: source!, who, where: place() })
  }
}

const seenMax = 100

const ours = /[/\\](src|dist)[/\\](engine|adapters|parts|testing)[/\\][\w/\\-]+(?<!\.test)\.[jt]s|\bnode:|async_hooks/

/** The first line of the stack that is neither ours nor Node's. */
function place(): string {
  const lines = (new Error().stack ?? '').split('\n').slice(1)
  const line = lines.find((one) => !ours.test(one))
  const found = line?.match(/\(?((?:file:\/\/)?[^()\s]+:\d+:\d+)\)?$/)?.[1]
  return found === undefined ? '' : ` at ${found}`
}

function replaceAll(): () => void {
  const undo: (() => void)[] = []
  const put = (holder: Holder, name: string, value: unknown) => {
    const before = Object.getOwnPropertyDescriptor(holder, name)
    Object.defineProperty(holder, name, {
      value,
      configurable: true,
      writable: true,
      enumerable: before?.enumerable ?? false,
    })
    undo.push(() => {
      if (before === undefined) delete holder[name]
      else Object.defineProperty(holder, name, before)
    })
  }
  for (const [kind, holderOf, prefix, names] of places) {
    const holder = holderOf()
    for (const name of names) {
      const real = holder[name] as (...args: unknown[]) => unknown
      const noticing = function (this: unknown, ...args: unknown[]) {
        notice(kind, `${prefix}${name}`)
        return real.apply(this, args)
      }
      put(holder, name, Object.assign(noticing, real))
    }
  }
  const RealDate = Date
  const noticingDate = new Proxy(RealDate, {
    construct(target, args, newTarget) {
      if (args.length === 0) notice('read', 'new Date()')
      return Reflect.construct(target, args, newTarget)
    },
  })
  put(globalThis as unknown as Holder, 'Date', noticingDate)
  // Bindings imported by name are updated too.
  syncBuiltinESMExports()
  return () => {
    for (const one of undo.reverse()) one()
    syncBuiltinESMExports()
  }
}
