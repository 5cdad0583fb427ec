// An app that is being developed: it runs in a process of its own, and in a new one when a file of it has changed.
//
//   running ──a file changes──→ ending ──the process is gone──→ running
//      └──the process ends by itself──→ waiting ──a file changes──→ running
//
// A signal ends it in every state, the process first.
import { existsSync } from 'node:fs'
import { relative, resolve } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { aborted, interruptible } from '../../control/signals.ts'
import { type App, MillraceError } from '../../index.ts'
import { type Call, commandFor, takeWords } from '../call.ts'
import { AppProcess } from '../dev/app-process.ts'
import { attemptLine } from '../dev/attempt-line.ts'
import { loadedOf, reportLoads, WatchedFiles } from '../dev/files.ts'
import { errorText, UsageError } from '../output.ts'
import { count, cut, wrap } from '../print.ts'
import { runApp, type StartWords } from './start.ts'

/** Time for running handlers when a file changes, milliseconds. */
export const devGraceDefault = 1_000

/** Several files that are saved together cause one start: the time after the first, milliseconds. */
const togetherMs = 50

/** Runs an app, and runs it anew when a file of it changes, until a signal. */
export async function dev(
  call: Call,
  { only = [], grace = devGraceDefault, port, http, open }: StartWords,
): Promise<number> {
  const { out, appFile, db } = call
  if (appFile === undefined) throw new UsageError('name the app file, such as app.ts')
  takeWords(call, [], 0)
  if (!existsSync(appFile)) throw new MillraceError('millrace/no-app', `there is no file ${appFile}`)
  const args = ['dev-process', appFile, '--grace', String(grace), '--wait-ms', String(call.waitMs)]
  if (db !== undefined) args.push('--db', db)
  if (only.length > 0) args.push('--only', only.join(','))
  if (port !== undefined) args.push('--port', String(port))
  if (http === false) args.push('--no-http')
  if (open === true) args.push('--open')
  if (out.json) args.push('--json')
  const interrupted = interruptible()
  const { signal } = interrupted
  let change = Promise.withResolvers<string>()
  const files = new WatchedFiles((file) => change.resolve(file))
  files.add(loadedOf(resolve(appFile)))
  try {
    for (;;) {
      change = Promise.withResolvers()
      const app = new AppProcess(args, (loaded) => files.add(loaded))
      const status = await Promise.race([app.ended, change.promise.then(() => undefined), aborted(signal)])
      if (status !== undefined && !signal.aborted) {
        say({ event: 'ended', status }, `ended with ${status}; starts again when a file changes`)
        await Promise.race([change.promise, aborted(signal)])
      }
      await app.end(interrupted.status() === 130 ? 'SIGINT' : 'SIGTERM', grace)
      if (signal.aborted) return interrupted.status()!
      const file = relative(process.cwd(), await change.promise)
      await pause(togetherMs)
      say({ event: 'changed', file }, `${file} has changed: starts again`)
    }
  } finally {
    files.end()
    interrupted.end()
  }

  function say(object: object, text: string): void {
    if (out.json) out.object(object)
    else out.line(out.colour('dim', cut(text, out.columns)))
  }
}

/** The process of the app: reports the files that it loads to the process that began it, and prints its attempts. */
export async function devProcess(call: Call, words: StartWords): Promise<number> {
  const { out } = call
  reportLoads((loaded) => process.send?.(loaded, undefined, undefined, () => {}))
  // Without the process that watches, this one would keep the file.
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'))
  try {
    return await runApp(call, { ...words, watchdog: false }, (app, { broker = app.broker }) => ({
      onAttempt: (end) => (out.json ? out.object(end) : out.line(attemptLine(end, new Date(), out))),
      report: (state, http) => {
        const { where } = broker
        const served = http === undefined ? {} : { http: http.url, tokenFile: http.tokenFile, page: http.link() }
        if (out.json) return out.object({ event: state, app: app.name, pid: process.pid, where, ...served })
        if (state !== 'running') return
        out.line(cut(`ready: app ${app.name}, process ${process.pid}, ${where}`, out.columns))
        if (http !== undefined) out.line(http.link())
        return tellHeld(app, call)
      },
    }))
  } catch (error) {
    if (out.json) throw error
    const lines = errorText(error).split('\n')
    await out.lines(lines.flatMap((line) => wrap(line, out.columns)))
    return 1
  }
}

/** Messages that failed before the code was changed stay at the desk: nothing would say so. */
async function tellHeld(app: App, call: Call): Promise<void> {
  const { out } = call
  // A signal may stop the app first.
  const groups = await app.desk.groups('processor').catch(() => [])
  const held = groups.reduce((sum, group) => sum + group.held, 0)
  if (held === 0) return
  await out.line(cut(`${count(held, 'message is', 'messages are')} held: see ${commandFor(call, 'desk')}`, out.columns))
}
