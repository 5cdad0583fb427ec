// Random applications from a seed: topics, a channel, processors in chains, contexts, handlers that fail, refuse and
// publish, desks whose rules decide well and badly. What each message leads to follows from the message alone, so that
// the model knows it beforehand.
import {
  type App,
  app,
  channel,
  command,
  type Decision,
  type DeskPart,
  type Destination,
  desk,
  discard,
  event,
  failures,
  hold,
  type Part,
  processor,
  Refused,
  resubmit,
  retry,
  schedule,
  sqlite,
  topic,
} from 'millrace'
import type { Network, Random, Workload } from 'millrace/testing'
import { alerts } from '../../src/http/alerts.ts'
import { deliver } from '../../src/http/deliver.ts'
import { alertTopic } from '../../src/model/alerts.ts'
import type { Processor } from '../../src/parts/processor.ts'
import { shape } from '../../src/testing/conformance/support.ts'
import { randomOf } from '../../src/testing/random.ts'
import { Callers } from './callers.ts'
import { draw } from './chance.ts'
import { EdgeClients } from './edge.ts'
import { fired } from './fires.ts'
import { type FlowBias, generateFlows } from './flows.ts'
import type { FlowKnown } from './journals.ts'
import type { Known, Logged, Model, Settle } from './model.ts'
import { firstNames, Names, together } from './names.ts'
import { type ActionKind, actionKinds, peopleIn, setting } from './people.ts'

export interface Data {
  readonly key: string
  readonly n: number
}

const schema = shape({ key: 'string', n: 'number' })

/** What is narrower than by chance. */
export interface Bias {
  /** All that people do; default everything. */
  readonly people?: readonly ActionKind[]
  /** Nothing but mediators and what belongs to them, of these kinds. */
  readonly flows?: FlowBias
  /** Whether there is a channel in each app, and many ask it. */
  readonly requests?: boolean
  /** Whether clients come over HTTP; default by chance, where nothing else is narrower. */
  readonly edge?: boolean
  /** Whether people snooze groups; default as of `edge`. */
  readonly snoozes?: boolean
  /** Whether the app has its finder; default as of `edge`. */
  readonly finder?: boolean
  /** Whether people try what is held; default as of `edge`. */
  readonly trials?: boolean
  /** Whether the app has a part that tells alerts; default as of `edge`. */
  readonly alerts?: boolean
  /** Whether people fire a schedule; default as of `edge`. */
  readonly fires?: boolean
}

export interface Generated {
  readonly make: () => App
  readonly workload: (work: Workload, random: Random) => void
  /** What answers the parts that deliver. */
  readonly network: Network
  readonly processors: readonly Known[]
  readonly mediators: readonly FlowKnown[]
  /** Whether the app has its finder. */
  readonly finds: boolean
  /** What people do in the end, so that all flows end. */
  readonly settling: (() => Settle) | undefined
  /** How many flows a route starts on a message. */
  readonly starts: (id: string) => number
  /** Checks in the end what clients over HTTP have sent. */
  readonly checkEdge: () => void
  /** What a processor publishes on a message, as JSON. */
  readonly expected: (processor: string, message: Logged) => string[]
}

interface Plan extends Known {
  readonly on: Destination
  /** Sources that come later, so that chains end. */
  readonly to: readonly number[]
  readonly salt: number
  readonly options: object
}

const stagesMax = 3
const processorsMax = 5
/** Every so many seeds the app has mediators. */
const flowsEvery = 3
/** So many failures in a row never come. */
const probesNever = 10_000

export function generate(
  seed: number,
  model: () => Model,
  { people: kinds, flows: bias, requests, ...narrower }: Bias = {},
): Generated {
  const random = randomOf(seed, 'generate')
  const names = new Names(seed)
  const conducted =
    bias !== undefined || seed % flowsEvery === 0 ? generateFlows({ seed, model, names }, bias) : undefined
  const stages = Math.max(requests ? 2 : 1, 1 + random.below(stagesMax))
  const last = stages - 1
  const channels = requests ? 1 : 0.4
  const sources = Array.from({ length: stages }, (_, stage) =>
    source(stage, stage === last && stage > 0 ? channels : 0, random),
  )
  const desks = [...sources, failures].flatMap((on, number) =>
    random.chance(on === failures ? 0.1 : 0.6) ? [deskOn(on, number, model, random)] : [],
  )

  const plans: Plan[] = []
  const add = (on: Destination, to: readonly number[]) => {
    const all = on.types.map(({ name }) => name)
    const attempts = 1 + random.below(4)
    const probeAfter = random.pick([2, 4, probesNever, probesNever])
    const onHold = random.pick(['block', 'block', 'pass'] as const)
    plans.push({
      name: `p${plans.length}`,
      source: on.name,
      handles: new Set(on.kind === 'channel' ? all : all.filter(() => random.chance(0.85))),
      rows: random.chance(0.7),
      onHold,
      attemptsMax: attempts,
      probes: probeAfter < probesNever,
      decisionsMax: desks.find((one) => one.on === on)?.spec.decisionsMax ?? 0,
      on,
      to,
      salt: random.below(2 ** 31),
      options: {
        concurrency: 1 + random.below(8),
        timeoutMs: random.pick([200, 1_000, 30_000]),
        lingerMs: random.pick([0, 500, 30_000]),
        onHold,
        probeAfter,
        probeFirstMs: random.pick([10, 1_000]),
        probeMaxMs: random.pick([0, 2_000, 900_000]),
        retry: {
          attempts,
          immediate: random.below(3),
          firstDelayMs: random.pick([0, 10, 300, 3_000]),
          maxDelayMs: 4_000,
          jitter: random.pick([0, 0.5, 1]),
        },
      },
    })
  }
  const later = (stage: number) => sources.flatMap((_, other) => (other > stage && random.chance(0.7) ? [other] : []))
  for (const [stage, on] of sources.entries()) if (on.kind === 'channel') add(on, later(stage))
  const count = 1 + random.below(processorsMax)
  while (plans.length < count) {
    const stage = random.below(sources[last]!.kind === 'channel' ? last : stages)
    add(sources[stage]!, later(stage))
  }
  if (random.chance(0.3)) add(failures, [])
  const delivering = random.fork('delivers')
  const open = sources.filter(({ kind }) => kind === 'topic')
  if (bias === undefined && open.length > 0 && delivering.chance(0.4)) {
    const plan = deliveringPlan(delivering, open)
    plans.push({ ...plan, decisionsMax: desks.find((one) => one.on === plan.on)?.spec.decisionsMax ?? 0 })
  }

  /** The messages that handling this one sends, in order. */
  const outgoing = (plan: Plan, id: string, data: Data) =>
    plan.to.flatMap((stage) => {
      if (draw(plan.salt, id, `to ${stage}`) < 0.3) return []
      const { types } = sources[stage]!
      const type = types[Math.floor(draw(plan.salt, id, `type ${stage}`) * types.length)]!
      return [{ type, data: { key: data.key, n: data.n + 1_000 * (stage + 1) } }]
    })

  const unruly = random.pick([0, 0.1, 0.3, 0.6])
  const hopeless = random.pick([0, 0, 0.3])
  const windows = random.pick([2, 16, 4_096])
  const heldContextsMax = random.pick([100, 100_000])
  const messages = random.pick([8, 16, 30])
  const keys = 1 + random.below(6)

  const partOf = (plan: Plan): Part => {
    const { name, on, salt } = plan
    if (plan.delivers) return sendingPart(plan, names, model)
    const targets = plan.to.flatMap((stage) => sources[stage]!.types as readonly unknown[])
    const handle = async (message: { id: string; data: Data }, context: AnyContext) => {
      const { id, data } = message
      const { idempotencyKey, attempt: number } = context
      const attempt = isTrial(data)
        ? 1 + Math.floor(draw(salt, id, `trial ${data.n}`) * 8)
        : model().started(name, id, { data, idempotencyKey, number, now: context.now() })
      const fails = draw(salt, id, 'unruly') < unruly ? Math.floor(draw(salt, id, 'fails') * 7) : 0
      const early = draw(salt, id, 'early') < 0.5
      const sends = () => {
        for (const { type, data: sent } of outgoing(plan, id, data)) {
          if (type.kind === 'event') context.publish(type, sent)
          else context.send(type, sent)
        }
      }
      if (draw(salt, id, 'pause') < 0.5) await null
      if (early) sends()
      // Only with other data will it ever be handled.
      if (data.n < corrected && draw(salt, id, 'hopeless') < hopeless * unruly) throw new Refused('wrong data', { id })
      const where = draw(salt, id, 'where')
      if (attempt <= fails && where < 0.4) throw new Error(`fails ${fails} times`)
      if (attempt <= fails && where < 0.6) throw new Refused(`refuses ${fails} times`)
      if (!plan.rows) {
        if (attempt <= fails) throw new Error(`fails ${fails} times`)
        if (!early) sends()
        return
      }
      return context.commit(async (tx) => {
        // Caught, it fails the function all the same.
        if (attempt <= fails && draw(salt, id, 'caught') < 0.3) return tx.query`select * from nowhere`.catch(() => [])
        const row = ({ query }: AnyTx) =>
          query`insert into done (processor, id, context, n, generation, run)
            values (${name}, ${id}, ${data.key ?? ''}, ${data.n ?? 0}, ${generationIn(idempotencyKey)}, ${model().begun})`
        if (draw(salt, id, 'in vain') < 0.3) {
          const inVain = async (inner: AnyTx) => {
            await row(inner)
            sends()
            throw new Error('in vain')
          }
          await tx.attempt(inVain).catch(() => {})
        }
        if (draw(salt, id, 'in an attempt') < 0.3) await tx.attempt(row)
        else await row(tx)
        if (!early) sends()
        if (attempt <= fails) throw new Error(`fails ${fails} times, after its row`)
      })
    }
    const { name: today, renamedFrom } = names.of(name)
    return processor(today, {
      on,
      renamedFrom,
      publishes: targets.filter((type) => (type as { kind: string }).kind === 'event') as never,
      sends: targets.filter((type) => (type as { kind: string }).kind === 'command') as never,
      ...plan.options,
      trial: trials,
      handle: Object.fromEntries([...plan.handles].map((type) => [type, handle])) as never,
    })
  }

  // In some seeds only, so that the others stay as they are.
  const extras = random.fork('extras')
  const isFree = kinds === undefined && bias === undefined && requests === undefined
  const byChance = (name: string, chance: number) => isFree && extras.fork(name).chance(chance)
  const finds = narrower.finder ?? byChance('finder', 0.15)
  const snoozes = narrower.snoozes ?? byChance('snoozes', 0.2)
  const trials = narrower.trials ?? byChance('trials', 0.3)
  const fires = narrower.fires ?? byChance('fires', 0.2)
  const alerting = narrower.alerts ?? byChance('alerts', 0.2)
  if (alerting) plans.push(alertingPlan(extras.fork('what alerts')))
  const hasEdge = open.length > 0 && (narrower.edge ?? byChance('edge', 0.3))
  const edge = hasEdge
    ? new EdgeClients(sources, () => model().edge, {
        keys,
        random: extras.fork('edge clients'),
      })
    : undefined

  const make = (): App => {
    names.starts(model().begun)
    return app({
      name: 'simulated',
      version: versionAt(model().begun),
      broker: sqlite({ file: 'simulated.db' }),
      // Small, so that windows fill and processors catch up from disk.
      windowMessages: windows,
      heldContextsMax,
      setup: (tx) => {
        model().begins()
        return tx.query`create table if not exists done (place integer primary key, processor text, id text, context text, n int,
          generation int default 0, run int)`
      },
      ...(conducted === undefined ? {} : { hotFlowsMax: conducted.hotFlowsMax }),
      ...(finds ? { finder: true } : {}),
      parts: [
        ...sources,
        ...desks,
        ...plans.map(partOf),
        ...(conducted?.parts() ?? []),
        ...(edge?.parts() ?? []),
        ...(fires ? [firedOn(open[0]!)] : []),
      ],
    })
  }

  const asking = { keys, asks: requests ? 60 : 20 }
  const callers = bias === undefined ? new Callers(sources[last]!, model, asking) : undefined
  const workload = (work: Workload, draw: Random) => {
    const clients = [work, ...Array.from({ length: draw.below(4) }, () => work.client())]
    const people = peopleIn(
      plans.map(({ name }) => name),
      { model, names },
      [
        ...(kinds ?? actionKinds),
        ...(snoozes ? (['snooze'] as const) : []),
        ...(trials ? tries : []),
        ...(fires ? firings : []),
      ],
    )
    const many = draw.fork('many')
    const slow = draw.fork('slow')
    const all = plans.map(({ name }) => name)
    conducted?.workload(clients, draw.fork('flows'))
    callers?.work(clients, draw.fork('callers'))
    edge?.work(clients, draw.fork('edge'))
    for (let n = 0; n < (conducted === undefined ? messages : bias === undefined ? 8 : 0); n++) {
      const client = draw.pick(clients)
      const type = draw.pick(draw.pick(sources).types as readonly { kind: string }[])
      const data: Data = { key: `k${draw.below(keys)}`, n }
      const own = draw.chance(0.3) ? { id: `own-${n}` } : {}
      if (type.kind === 'event' && many.chance(0.2)) {
        const entries = together(n, 2 + many.below(3)).map((id) => ({ id, data }))
        client.publishMany(type as never, entries as never)
      } else if (type.kind === 'event') client.publish(type as never, data as never, own)
      else client.send(type as never, data as never, own)
      if (draw.chance(0.1)) client.wait(draw.below(3_000))
      // Alerts are looked for now and then only.
      if (alerting && slow.chance(0.3)) client.wait(slow.below(20_000))
      if (draw.chance(0.3)) people(draw.pick(clients), draw, n)
      if (many.chance(0.1)) client.act(`set ${n}`, setting(all, names, `set ${n}`))
    }
  }

  const expected = (name: string, message: Logged) => {
    const plan = plans.find((one) => one.name === name)
    if (plan === undefined) return conducted!.expected(name, message)
    return outgoing(plan, message.id, JSON.parse(message.json) as Data).map(({ data }) => JSON.stringify(data))
  }
  return {
    make,
    workload,
    processors: [...plans, ...(conducted?.processors ?? [])],
    mediators: conducted?.mediators ?? [],
    finds,
    settling: callers === undefined ? conducted?.settling : () => withCallers(callers, edge, conducted?.settling()),
    starts: conducted?.starts ?? (() => 0),
    checkEdge: () => edge?.complete(),
    expected,
    network: (arrived) => model().sink.arrived(new URL(arrived.url).pathname.slice(1), arrived),
  }
}

/** A processor that sends to the sink. */
function deliveringPlan(random: Random, topics: readonly Destination[]): Plan {
  const on = random.pick(topics)
  const attempts = random.pick([3, 6])
  return {
    name: 'd0',
    source: on.name,
    handles: new Set(on.types.map(({ name }) => name)),
    rows: false,
    onHold: random.pick(['block', 'block', 'pass'] as const),
    attemptsMax: attempts,
    probes: true,
    decisionsMax: 0,
    delivers: true,
    on,
    to: [],
    salt: 0,
    options: {
      concurrency: 1 + random.below(8),
      timeoutMs: random.pick([200, 5_000]),
      probeEveryMs: random.pick([1_000, 10_000]),
      probeMaxMs: random.pick([2_000, 900_000]),
      retry: { attempts, firstDelayMs: random.pick([0, 300, 2_000]), maxDelayMs: 4_000 },
    },
  }
}

/** A schedule that people fire: its slots are far away. */
const firedOn = (on: Destination): Part =>
  schedule(fired, { cron: '0 0 1 1 *', publishes: on.types[0] as never, data: { key: 'k0', n: 900 } })

/** The part that tells the sink what is not well. */
function alertingPlan(random: Random): Plan {
  const attempts = random.pick([3, 6])
  const long = () => random.pick([false, 1_000, 30_000] as const)
  return {
    name: 'ops',
    source: alertTopic.name,
    handles: new Set(alertTopic.types.map(({ name }) => name)),
    rows: false,
    onHold: 'block',
    attemptsMax: attempts,
    probes: true,
    decisionsMax: 0,
    delivers: true,
    on: alertTopic,
    to: [],
    salt: 0,
    options: {
      when: { closedMs: long(), behindMs: long(), questionMs: long() },
      calmMs: random.pick([0, 0, 15_000]),
      retry: { attempts, firstDelayMs: random.pick([0, 300, 2_000]), maxDelayMs: 4_000 },
    },
  }
}

/** The part of one that sends, whose handler tells the model that it starts. */
function sendingPart(plan: Plan, names: Names, model: () => Model): Part {
  const { name, on, onHold, options } = plan
  const { name: today, renamedFrom } = names.of(name)
  const to = { ...options, renamedFrom, url: `https://sink.example/${name}` }
  const part: Processor = on === alertTopic ? alerts(today, to) : deliver(today, { ...to, on: on as never, onHold })
  const told =
    (handle: Handle): Handle =>
    (message, context) => {
      const { idempotencyKey, attempt: number } = context
      model().started(name, message.id, { data: message.data, idempotencyKey, number, now: context.now() })
      return handle(message, context)
    }
  const handle = Object.entries(part.handle).map(([type, one]) => [type, told(one as Handle)])
  return { ...part, handle: Object.fromEntries(handle) }
}

type Handle = (message: { id: string; data: Data }, context: AnyContext) => unknown

/** Callers and clients ask first. */
function withCallers(callers: Callers, edge: EdgeClients | undefined, settle: Settle | undefined): Settle {
  let asked = false
  return async (app) => {
    if (asked) return settle?.(app) ?? false
    asked = true
    callers.askAtRest(app)
    await edge?.atRest(app)
    return true
  }
}

/** The number of resets that a key tells of. */
const generationIn = (key: string): number => Number(/\/\d+\.(\d+)(\/@.*)?$/.exec(key)?.[1] ?? 0)

/** The version of the app as a process has it that starts after so many runs. */
export const versionAt = (begun: number): string => `version ${begun}`

/** Many, since most of what is held is repaired soon. */
const tries = ['try', 'try', 'try'] as const

const firings = ['fire', 'fire', 'fire'] as const

/** From here on data are those of a trial. No message ever has them. */
const ofTrials = 50_000_000
export const forTrial = (n: number): number => ofTrials + n
const isTrial = ({ n }: Data): boolean => n >= ofTrials

/** From here on data were corrected at the desk. */
const corrected = 100_000

export function correct({ key, n, step }: Data & { readonly step?: string }): Data {
  return { key, n: n + corrected, ...(step === undefined ? {} : { step }) }
}

function source(stage: number, channels: number, random: Random): Destination {
  const kinds = Array.from({ length: 1 + random.below(2) }, (_, kind) => `s${stage}.t${kind}`)
  // Some types group their messages, some leave each by itself.
  const options = kinds.map((name) =>
    random.chance(0.8) ? { schema, context: ({ key }: Data) => key, name } : { schema, name },
  )
  return channels > 0 && random.chance(channels)
    ? channel(
        `s${stage}`,
        options.map(({ name, ...rest }) => command(name, rest)),
      )
    : topic(
        `s${stage}`,
        options.map(({ name, ...rest }) => event(name, rest)),
      )
}

/** A desk whose rules do all that rules may do, and what they may not. */
function deskOn(on: Destination, number: number, model: () => Model, random: Random): DeskPart {
  const salt = random.below(2 ** 31)
  const decide = async ({ message, processor: today, read }: AnyFailure): Promise<Decision> => {
    const { id, data } = message
    const name = firstNames(today)
    const asked = model().asked(name, id)
    const wanted = (data: unknown, note: string): Decision => {
      model().wants(`rule ${name} ${id}`, data)
      return resubmit(data, note)
    }
    if (draw(salt, id, 'reads') < 0.3) await read`select count(*) from done where id = ${id}`
    const chosen = draw(salt, `${name} ${id}`, `decides ${asked}`)
    if (chosen < 0.3) return retry()
    if (chosen < 0.55) return wanted(correct(data), 'corrected')
    if (chosen < 0.65) return hold('not for a rule')
    if (chosen < 0.75) return discard('not worth it')
    if (chosen < 0.8) throw new Error('the rule is broken')
    if (chosen < 0.85) return new Promise(() => {})
    if (chosen < 0.9) return wanted({ key: `${data.key}x`, n: 1 }, 'another context')
    if (chosen < 0.95) return wanted({ key: data.key, n: 'one' }, 'bad data')
    return { do: 'nothing' } as never
  }
  const ruled = on.types.filter(() => random.chance(0.85))
  return desk(`desk-${number}`, {
    on,
    decide: Object.fromEntries(ruled.map(({ name }) => [name, decide])) as never,
    decideMs: random.pick([50, 1_000, 30_000]),
    decisionsMax: random.pick([1, 2, 5]),
    rulesAtOnce: random.pick([1, 2, 16]),
  })
}

type Query = (text: TemplateStringsArray, ...values: unknown[]) => Promise<unknown>

interface AnyContext {
  readonly idempotencyKey: string
  readonly attempt: number
  now(): number
  publish(type: unknown, data: unknown): void
  send(type: unknown, data: unknown): void
  commit(fn: (tx: AnyTx) => unknown): unknown
}

interface AnyTx {
  readonly query: Query
  attempt(fn: (tx: AnyTx) => unknown): Promise<unknown>
}

interface AnyFailure {
  readonly message: { readonly id: string; readonly data: Data }
  readonly processor: string
  readonly read: Query
}
