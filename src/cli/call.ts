// The input of every command: the app file or `--db`, its own words, the common options.
import { setTimeout as pause } from 'node:timers/promises'
import { ControlClient } from '../control/client.ts'
import {
  type App,
  type Broker,
  type Desk,
  type FlowDesk,
  isMillraceError,
  type Messages,
  MillraceError,
  type Offline,
  type Processors,
  type Schedules,
  sqlite,
  type Tokens,
} from '../index.ts'
import { commandLine } from '../operate/command-line.ts'
import { offlineOf } from '../operate/offline.ts'
import { correctOf } from '../operate/rows.ts'
import {
  stoppedDesk,
  stoppedFlows,
  stoppedMessages,
  stoppedProcessors,
  stoppedSchedules,
  stoppedTokens,
} from '../operate/stopped.ts'
import { loadApp } from './load.ts'
import { type Output, UsageError } from './output.ts'
import { shellWord } from './print.ts'

export interface Call {
  /** The app file, where one is named. */
  readonly appFile: string | undefined
  /** The database, where one is named. */
  readonly db: string | undefined
  /** The other words. */
  readonly words: readonly string[]
  readonly waitMs: number
  readonly out: Output
}

/** Tells an app file, which ends like a program, from other words. */
export const isAppFile = (word: string): boolean => /\.[cm]?[jt]s$/.test(word)

/** Splits words into the app file, which is the word that ends like a program, at any place, and the command's own. */
export function splitWords(words: readonly string[]): { appFile: string | undefined; words: string[] } {
  const at = words.findIndex(isAppFile)
  return { appFile: words[at], words: words.filter((_, index) => index !== at) }
}

/** Returns the words of a command by name; refuses too few and too many. */
export function takeWords(call: Call, names: readonly string[], required: number): (string | undefined)[] {
  const { words } = call
  if (words.length > names.length) throw new UsageError(`unexpected argument "${words[names.length]}"`)
  if (words.length < required) throw new UsageError(`${names[words.length]} is missing`)
  return names.map((_, at) => words[at])
}

/** Words a command about the app or the file of this call, as it can be typed. */
export function commandFor({ appFile, db }: Pick<Call, 'appFile' | 'db'>, name: string, more = ''): string {
  const app = appFile === undefined ? [] : [shellWord(appFile)]
  const file = db === undefined ? [] : ['--db', shellWord(db)]
  return commandLine([name, ...app, ...(more === '' ? [] : [more]), ...file].join(' '))
}

export interface Place {
  readonly app: App | undefined
  readonly broker: Broker
  readonly store: Offline
}

/** Finds the app and the store of a command. */
export async function locate({ appFile, db }: Call): Promise<Place> {
  if (appFile === undefined && db === undefined) throw new UsageError('name the app file (app.ts) or --db FILE')
  const app = appFile === undefined ? undefined : await loadApp(appFile)
  const broker = db === undefined ? app!.broker : sqlite({ file: db })
  return { app, broker, store: offlineOf(app?.name ?? '', broker) }
}

const againMs = 50

/**
 * Connects to the running app; returns undefined when no process has the store.
 *
 * @throws `millrace/no-answer` when a process has the store and does not answer: it is never bypassed
 */
export async function reach(store: Offline, waitMs: number): Promise<ControlClient | undefined> {
  const deadline = performance.now() + waitMs
  for (;;) {
    const { controlPath } = store
    const client = controlPath === undefined ? undefined : await ControlClient.connect(controlPath, waitMs)
    if (client !== undefined) return client
    const owner = await store.owner()
    if (owner === undefined) return undefined
    // The app may be starting: it takes the store before it listens.
    if (performance.now() >= deadline) {
      const { pid, since } = owner
      const who = pid === 0 ? 'a process' : `process ${pid}, since ${since},`
      throw new MillraceError('millrace/no-answer', `${who} has ${store.where} and does not answer`, { data: owner })
    }
    await pause(againMs)
  }
}

/**
 * Works through the running app, or without one. Where an app takes the store at that moment, the app is asked after
 * all.
 */
export async function runningOr<T>(
  store: Offline,
  waitMs: number,
  running: (client: ControlClient) => Promise<T>,
  stopped: () => Promise<T>,
): Promise<T> {
  const ask = (client: ControlClient) => running(client).finally(() => client.close())
  const client = await reach(store, waitMs)
  if (client !== undefined) return ask(client)
  try {
    return await stopped()
  } catch (error) {
    const started = isMillraceError(error, 'millrace/in-use') ? await reach(store, waitMs) : undefined
    if (started === undefined) throw error
    return ask(started)
  }
}

export interface Reached {
  readonly running: boolean
  readonly desk: Desk
  readonly processors: Processors
  readonly flows: FlowDesk
  readonly messages: Messages
  readonly schedules: Schedules
  readonly tokens: Tokens
}

/**
 * Works on the desk, the processors and the flows of an app, through the running app or through its store. Calls `use`
 * again where an app takes the store before anything was written.
 */
export async function withApp<T>(call: Call, use: (reached: Reached) => Promise<T>): Promise<T> {
  const { app, store } = await locate(call)
  return runningOr(
    store,
    call.waitMs,
    ({ desk, processors, flows, messages, schedules, tokens }) =>
      use({ running: true, desk, processors, flows, messages, schedules, tokens }),
    () => {
      const desk = stoppedDesk(store, {
        correct: app && correctOf(app.parts),
        parts: app?.parts,
        version: app?.version,
        now: Date.now,
      })
      const processors = stoppedProcessors(store, app)
      const messages = stoppedMessages(store, app?.parts ?? [], Date.now)
      const schedules = stoppedSchedules(store, app?.parts ?? [], Date.now)
      const tokens = stoppedTokens(store, Date.now)
      return use({ running: false, desk, processors, flows: stoppedFlows(store), messages, schedules, tokens })
    },
  )
}

const units: Readonly<Record<string, number>> = { s: 1_000, min: 60_000, h: 3_600_000, d: 86_400_000 }
const spanMsMax = 100 * 365 * 86_400_000

/** Parses a time span, such as 90s, 15min, 2h or 3d, into milliseconds. */
export function span(name: string): (text: string) => number {
  return (text) => {
    const [, number = '', unit = ''] = /^(\d+(?:\.\d+)?)(s|min|h|d)$/.exec(text) ?? []
    const ms = Number(number) * (units[unit] ?? Number.NaN)
    if (ms <= spanMsMax) return ms
    throw new UsageError(`${name} is "${text}", but must be a time span such as 90s, 15min, 2h or 3d`)
  }
}

/** Parses a whole number and refuses one outside its bounds. */
export function wholeNumber(name: string, min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (/^\d+$/.test(text) && value >= min && value <= max) return value
    throw new UsageError(`${name} is "${text}", but must be a whole number from ${min} to ${max}`)
  }
}
