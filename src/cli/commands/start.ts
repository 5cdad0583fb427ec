import { interruptible } from '../../control/signals.ts'
import {
  type App,
  defaults,
  jsonLog,
  type RunOptions,
  type RunState,
  type Serving,
  type StartOptions,
  sqlite,
} from '../../index.ts'
import { destinationsOf, processorsOf, runsWith } from '../../operate/rows.ts'
import { hashOf, tokenPattern } from '../../operate/token.ts'
import { userName } from '../../operate/user-name.ts'
import { type Call, takeWords, wholeNumber } from '../call.ts'
import { loadApp } from '../load.ts'
import { UsageError } from '../output.ts'
import { facts } from '../print.ts'

export interface StartWords {
  readonly only?: readonly string[] | undefined
  /** The grace period, milliseconds. */
  readonly grace?: number | undefined
  readonly watchdog?: boolean | undefined
  readonly control?: boolean | undefined
  /** Lines of JSON instead of the log of the app. */
  readonly log?: 'json' | undefined
  /** The port of the HTTP server. */
  readonly port?: number | undefined
  readonly http?: boolean | undefined
  /** True to let everybody on this machine do everything over HTTP. */
  readonly open?: boolean | undefined
}

const texts = { stopping: 'stopping: running handlers end first; a second signal ends at once', stopped: 'stopped' }

/** Runs an app until a signal. */
export function start(call: Call, words: StartWords): Promise<number> {
  const { out } = call
  return runApp(call, words, (app, options) => ({
    report: async (state, http) => {
      if (state !== 'running') return out.json ? out.object({ event: state }) : out.line(texts[state])
      const described = describe(app, options, http)
      if (out.json) return out.object({ event: 'ready', ...described })
      out.line(`app ${app.name}, process ${process.pid}`)
      await out.lines(describedLines(described, out.columns))
      return out.line('ready')
    },
  }))
}

/** How a command tells what becomes of its app; `http` is its server. */
export interface Telling extends Pick<RunOptions, 'onAttempt'> {
  readonly report: (state: RunState, http?: Serving) => unknown
}

/** Loads the app that a command names, serves it over HTTP, and runs it until a signal. */
export async function runApp(
  call: Call,
  {
    only,
    grace: graceMs,
    watchdog = true,
    control = true,
    log,
    port = portOfProcess(),
    http = true,
    open = false,
  }: StartWords,
  more: (app: App, options: StartOptions) => Telling,
): Promise<number> {
  const { db, appFile, waitMs } = call
  if (appFile === undefined) throw new UsageError('name the app file, such as app.ts')
  takeWords(call, [], 0)
  const loading = interruptible()
  try {
    const app = await loadApp(appFile)
    const status = loading.status()
    if (status !== undefined) return status
    const tokens = givenToken()
    const broker = db === undefined ? undefined : sqlite({ file: db })
    const options: StartOptions = { finder: true, watchdog, control, only, waitMs, broker, log: log && jsonLog }
    const { report, ...told } = more(app, options)
    let failed: unknown
    const serving = async (state: RunState) => {
      if (state !== 'running' || !http || port === undefined) return report(state)
      try {
        return report(state, await app.serve({ port, access: { open, tokens } }))
      } catch (error) {
        failed = error
        await app.stop({ graceMs })
      }
    }
    // Takes over the signals before `loading` ends: one that comes where nobody listens is lost.
    const running = app.run({ ...options, graceMs, ...told, report: serving })
    loading.end()
    const ended = await running
    if (failed !== undefined) throw failed
    return ended
  } finally {
    loading.end()
  }
}

/** The token of `MILLRACE_TOKEN`, which allows what that of the token file does. */
function givenToken() {
  const { MILLRACE_TOKEN: token = '' } = process.env
  if (token === '') return []
  if (tokenPattern.test(token)) return [{ name: userName(), hash: hashOf(token), grants: ['admin' as const] }]
  throw new UsageError('MILLRACE_TOKEN must be a token: mrt_ and 43 letters, digits, - or _')
}

/** The port where the command names none: that of `MILLRACE_PORT`, whose `none` is as `--no-http`; else the default. */
function portOfProcess(): number | undefined {
  const { MILLRACE_PORT: given } = process.env
  if (given === undefined || given === '') return defaults.port.default
  return given === 'none' ? undefined : wholeNumber('MILLRACE_PORT', defaults.port.min, defaults.port.max)(given)
}

interface Described {
  readonly app: string
  readonly pid: number
  readonly where: string
  /** Where it is served over HTTP. */
  readonly http?: string | undefined
  /** The address that signs a browser in to the dashboard, once. */
  readonly page?: string | undefined
  /** The file with the token for it. */
  readonly tokenFile?: string | undefined
  readonly topics: readonly { readonly name: string; readonly types: readonly string[] }[]
  readonly channels: readonly { readonly name: string; readonly types: readonly string[] }[]
  readonly processors: readonly { readonly name: string; readonly on: string; readonly runs: boolean }[]
}

function describe(app: App, { broker = app.broker, only }: StartOptions, http: Serving | undefined): Described {
  const destinations = (kind: string) =>
    destinationsOf(app.parts)
      .filter((destination) => destination.kind === kind)
      .map(({ name, types }) => ({ name, types: types.map((type) => type.name) }))
  const runs = runsWith(only)
  const processors = processorsOf(app.parts).map((one) => ({ name: one.name, on: one.on.name, runs: runs(one) }))
  const { where } = broker
  return {
    app: app.name,
    pid: process.pid,
    where,
    ...(http === undefined ? {} : { http: http.url, tokenFile: http.tokenFile, page: http.link() }),
    topics: destinations('topic'),
    channels: destinations('channel'),
    processors,
  }
}

function describedLines(
  { where, http, page, tokenFile, topics, channels, processors }: Described,
  columns: number,
): string[] {
  const destination = ({ name, types }: Described['topics'][number]) => `${name}: ${types.join(', ') || 'no types'}`
  const lines = (title: string, texts: readonly string[]) =>
    texts.map((text, at): [string, string] => [at === 0 ? title : '', text])
  return facts(
    [
      ['where', where],
      ...lines('http', http === undefined ? [] : [http]),
      ...lines('page', page === undefined ? [] : [page]),
      ...lines('token', tokenFile === undefined ? [] : [`in ${tokenFile}`]),
      ...lines('topics', topics.map(destination)),
      ...lines('channels', channels.map(destination)),
      ...lines(
        'processors',
        processors.map(({ name, on, runs }) => `${name} on ${on}${runs ? '' : ' (left out)'}`),
      ),
    ],
    columns,
  )
}
