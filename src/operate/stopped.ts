import { setImmediate as pause } from 'node:timers/promises'
import { factsOf, sentSince } from '../engine/reset-facts.ts'
import type { ResetPlace } from '../engine/resets.ts'
import { type Actor, checkActor } from '../model/desk.ts'
import { fault } from '../model/errors.ts'
import type { Part } from '../parts/part.ts'
import type { Processor } from '../parts/processor.ts'
import type { Offline, OfflineReader, OfflineWriter } from '../seam/offline.ts'
import { checked } from './calls.ts'
import type { Desk } from './desk.ts'
import { type DeskBackend, deskOn } from './desk-surface.ts'
import { flowsOn } from './flow-surface.ts'
import type { FlowDesk } from './flows.ts'
import type { Messages } from './messages.ts'
import { messagesOn } from './messages-surface.ts'
import type { ProcessorRow, Processors } from './processors.ts'
import { actorIn, concurrencyChange, raisedOf } from './processors-surface.ts'
import { namedIn, type ResetBackend, resetOn, wiredOf } from './reset.ts'
import { toRetire } from './retire.ts'
import { type Correct, pausedOf, processorsOf } from './rows.ts'
import type { Schedules } from './schedules.ts'
import { schedulesOn } from './schedules-surface.ts'
import type { Tokens } from './tokens.ts'
import { type TokenStore, tokensOn } from './tokens-surface.ts'

/**
 * The desk of an app that does not run. What is decided is written down; the app does it when it starts. Corrected data
 * are made by `correct`, where the code of the app is known.
 */
export function stoppedDesk(store: Offline, { correct, parts = [], version, now }: StoppedDeskOf): Desk {
  const look: DeskBackend['look'] = (read) => reading(store, ({ desk, operations }) => read(desk, operations))
  return deskOn(
    () => ({
      look,
      decide: async (item, decision, actor) => {
        if (decision.do === 'resubmit' || decision.do === 'change') {
          const check = known(correct)
          const row = await look((desk) => desk.item(item, { line: 0, history: 0 }))
          if (row !== undefined) check(row.message, decision)
        }
        await writing(store, (writer) => writer.addPending(item, decision, actor))
      },
      takeBack: (item, actor) => writing(store, (writer) => writer.addPending(item, { do: 'take back' }, actor)),
      select: (operation, what) => writing(store, (writer) => writer.select(operation, what)),
      run: (operation, how) => writing(store, (writer) => writer.run(operation, how)),
      tell: (_item, write) => writing(store, ({ claims }) => write(claims)),
      abort: (operation, actor) => writing(store, (writer) => writer.abort(operation, actor)),
      corrected: ({ message }, decision) => known(correct)(message, decision),
      try: async () => needsRunning(store, 'only the running app tries a message'),
    }),
    { itself: 'millrace', parts, version, now },
  )
}

export interface StoppedDeskOf {
  /** Undefined where the code of the app is not known. */
  readonly correct: Correct | undefined
  /** The parts of the app; none where its code is not known. */
  readonly parts?: readonly Part[] | undefined
  /** The version of that code. */
  readonly version?: string | undefined
  now(): number
}

function known(correct: Correct | undefined): Correct {
  if (correct !== undefined) return correct
  throw fault('millrace/no-app', 'corrected data are checked by the code of the app: name the app file')
}

/** The flows of an app that does not run: they can be looked at, and nothing is written down about them. */
export function stoppedFlows(store: Offline): FlowDesk {
  const refuse = async (): Promise<never> => {
    throw fault(
      'millrace/not-running',
      `no app runs with ${store.where}; unlike actions at the desk, actions on flows need the running app`,
    )
  }
  return flowsOn(
    () => ({
      lookAtFlows: (read) => reading(store, (reader) => read(reader.flows)),
      flowActions: {
        schemaOf: refuse,
        answer: refuse,
        cancel: refuse,
        stop: refuse,
        pause: refuse,
        resume: refuse,
        runAgain: refuse,
      },
    }),
    'millrace',
  )
}

const us: Actor = { by: 'millrace' }

function needsRunning(store: Offline, why: string): never {
  throw fault('millrace/not-running', `no app runs with ${store.where}, and ${why}`)
}

/** The code of an app. */
export interface KnownApp {
  readonly name: string
  readonly parts: readonly Part[]
}

/** The messages of an app that does not run. `parts` are empty where its code is not known. */
export function stoppedMessages(store: Offline, parts: readonly Part[], now: () => number): Messages {
  return messagesOn((read) => reading(store, read), { parts, now })
}

/** The schedules of an app that does not run. `parts` are empty where its code is not known. */
export function stoppedSchedules(store: Offline, parts: readonly Part[], now: () => number): Schedules {
  return schedulesOn({
    reading: (read) => reading(store, ({ time }) => read(time)),
    parts,
    now,
    fire: async () => needsRunning(store, 'only the app publishes what a schedule publishes'),
  })
}

/** The tokens of an app that does not run. */
export function stoppedTokens(store: Offline, now: () => number): Tokens {
  const access: TokenStore = {
    tokens: () => reading(store, (reader) => reader.access.tokens()),
    addToken: (token, reason) => writing(store, (writer) => writer.access.addToken(token, reason)),
    revokeToken: (name, actor, at) => writing(store, (writer) => writer.access.revokeToken(name, actor, at)),
  }
  return tokensOn({ access: () => access, itself: us.by, world: { now } })
}

/** The processors of an app that does not run; undefined when its code is not known. */
export function stoppedProcessors(store: Offline, app: KnownApp | undefined): Processors {
  const known = app && new Map(processorsOf(app.parts).map((one) => [one.name, one]))
  const list = () => reading(store, (reader) => rowsOf(reader, known))
  return checked<Processors>('processors', {
    list,
    series: async () => needsRunning(store, 'the samples of an hour are kept in memory'),
    retire: async (name, options = {}) => {
      const actor = actorIn('retire', options, us)
      const rows = await list()
      if (known === undefined && options.force !== true && rows.some((row) => row.name === name)) {
        throw fault(
          'millrace/processor-in-use',
          `without the app file it is unknown whether the app still has processor "${name}"; name the app file, or retire with force`,
        )
      }
      const all = known === undefined ? rows.map((row) => ({ ...row, state: 'gone' as const })) : rows
      const gone = toRetire(all, name, options)
      await writing(store, async (writer) => {
        for (const { on } of gone) await writer.retire(name, on, actor)
      })
    },
    set: async (name, options) => {
      const change = concurrencyChange(name, options, us)
      await writing(store, (writer) => writer.setConcurrency(change))
    },
    pause: (name, actor = us) => writing(store, (writer) => writer.pause(name, 'paused', checkActor('pause', actor))),
    resume: (name, actor = us) =>
      writing(store, (writer) => writer.pause(name, 'resumed', checkActor('resume', actor))),
    reset: async (name, options) => {
      if (app === undefined) {
        throw fault(
          'millrace/no-app',
          'a reset needs the code of the app, which says what is sent again: name the app file',
        )
      }
      const processor = namedIn(wiredOf(app.parts), name)
      return resetOn(stoppedResets(store), { app: app.name, itself: us.by, processor }, options)
    },
    alerts: () => reading(store, async ({ alerts }) => raisedOf(await alerts.rows())),
    endpoints: async () => needsRunning(store, 'the answers of endpoints are kept in memory'),
    deliveries: async () => needsRunning(store, 'the answers of endpoints are kept in memory'),
    test: async () => needsRunning(store, 'a test event is sent by the app'),
  })
}

/** Resets in a store that no app has: nothing changes between the look and the reset. */
function stoppedResets(store: Offline): ResetBackend {
  const look = ({ processor, destination, to }: ResetPlace) =>
    reading(store, async (reader) => {
      const { log, desk } = reader
      const stream = (await reader.streams()).find(({ name }) => name === destination)
      const row = (await reader.progress()).find((one) => one.processor === processor && one.stream === stream?.id)
      if (stream === undefined || row === undefined) {
        throw fault('millrace/unknown-processor', `processor "${processor}" has not run yet on "${destination}"`)
      }
      return factsOf({ log, desk }, { row, head: stream.head }, to)
    })
  return {
    look,
    sent: (destination, begins, effects) =>
      reading(store, async (reader) => {
        const ids = new Map((await reader.streams()).map(({ id, name }) => [name, id]))
        return sentSince(
          { log: reader.log, streamOf: (name) => ids.get(name), pause },
          { destination, begins },
          effects,
        )
      }),
    reset: async ({ actor, check, ...place }) => {
      const facts = await look(place)
      check(facts)
      const { processor, destination } = place
      const after = facts.begins - 1
      await writing(store, (writer) => writer.reset({ processor, destination, after, actor, detail: facts }))
      return facts
    },
  }
}

async function rowsOf(
  reader: OfflineReader,
  known: ReadonlyMap<string, Processor> | undefined,
): Promise<ProcessorRow[]> {
  const streams = new Map((await reader.streams()).map((stream) => [stream.id, stream]))
  const atDesk = await reader.desk.processors()
  const paused = pausedOf(atDesk.paused)
  const stateOf = (name: string, on: string) => {
    if (known !== undefined && known.get(name)?.on.name !== on) return 'gone'
    return paused.has(name) ? 'paused' : 'off'
  }
  return (await reader.progress()).map(({ processor, stream, low }) => {
    const { name: on, head } = streams.get(stream)!
    return {
      name: processor,
      on,
      state: stateOf(processor, on),
      position: low,
      lag: head - low,
      running: 0,
      concurrency: null,
      concurrencySet: atDesk.concurrencies.find((one) => one.processor === processor)?.most ?? null,
      held: atDesk.held.find((count) => count.processor === processor && count.destination === on)?.held ?? 0,
      paused: paused.get(processor) ?? null,
      counts: null,
      owner: known?.get(processor)?.owner ?? null,
    }
  })
}

async function reading<T>(store: Offline, use: (reader: OfflineReader) => Promise<T>): Promise<T> {
  const reader = await store.read('stopped')
  try {
    return await use(reader)
  } finally {
    await reader.close()
  }
}

async function writing<T>(store: Offline, use: (writer: OfflineWriter) => Promise<T>): Promise<T> {
  const writer = await store.write()
  try {
    return await use(writer)
  } finally {
    await writer.close()
  }
}
