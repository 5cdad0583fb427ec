import { type App, isMillraceError, type StartOptions, sqlite } from '../../index.ts'
import { destinationsOf, processorsOf, runsWith } from '../../operate/rows.ts'
import { aborted, type Call, interruptible, takeWords } from '../call.ts'
import { loadApp } from '../load.ts'
import { UsageError } from '../output.ts'
import { facts } from '../print.ts'

export interface StartWords {
  readonly only?: readonly string[] | undefined
  /** The grace period, milliseconds. */
  readonly grace?: number | undefined
  readonly watchdog?: boolean | undefined
  readonly control?: boolean | undefined
}

/** Runs an app until a signal. */
export async function start(call: Call, words: StartWords): Promise<number> {
  const { out, db, appFile } = call
  const { only, grace: graceMs, watchdog = true, control = true } = words
  if (appFile === undefined) throw new UsageError('name the app file, such as app.ts')
  takeWords(call, [], 0)
  const interrupted = interruptible()
  // Between two openings of a failed store nothing else would keep the process alive.
  const alive = setInterval(() => {}, 2 ** 30)
  try {
    const app = await loadApp(appFile)
    const options: StartOptions = {
      watchdog,
      control,
      only,
      waitMs: call.waitMs,
      ...(db === undefined ? {} : { broker: sqlite({ file: db }) }),
    }
    if (await starts(app, options, interrupted.signal)) {
      const described = describe(app, options)
      if (out.json) out.object({ event: 'ready', ...described })
      else {
        out.line(`app ${app.name}, process ${process.pid}`)
        await out.lines(describedLines(described, out.columns))
        out.line('ready')
      }
      await aborted(interrupted.signal)
      say('stopping', 'stopping: running handlers end first; a second signal ends at once')
    }
    await app.stop({ graceMs })
    say('stopped', 'stopped')
    return interrupted.status()!
  } finally {
    clearInterval(alive)
    interrupted.end()
  }

  function say(event: string, text: string): void {
    if (out.json) out.object({ event })
    else out.line(text)
  }
}

/** Starts the app; returns false when a signal ended the start. */
async function starts(app: App, options: StartOptions, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return false
  // The start reports that it was stopped.
  const stop = () => void app.stop().catch(() => {})
  signal.addEventListener('abort', stop, { once: true })
  try {
    await app.start(options)
    return true
  } catch (error) {
    if (signal.aborted && isMillraceError(error, 'millrace/stopping')) return false
    throw error
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

interface Described {
  readonly app: string
  readonly pid: number
  readonly where: string
  readonly topics: readonly { readonly name: string; readonly types: readonly string[] }[]
  readonly channels: readonly { readonly name: string; readonly types: readonly string[] }[]
  readonly processors: readonly { readonly name: string; readonly on: string; readonly runs: boolean }[]
}

function describe(app: App, { broker = app.broker, only }: StartOptions): Described {
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
    topics: destinations('topic'),
    channels: destinations('channel'),
    processors,
  }
}

function describedLines({ where, topics, channels, processors }: Described, columns: number): string[] {
  const destination = ({ name, types }: Described['topics'][number]) => `${name}: ${types.join(', ') || 'no types'}`
  const lines = (title: string, texts: readonly string[]) =>
    texts.map((text, at): [string, string] => [at === 0 ? title : '', text])
  return facts(
    [
      ['where', where],
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
