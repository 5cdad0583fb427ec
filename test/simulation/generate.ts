// Random applications and what clients do with them, from a seed: topics, a channel, processors in chains, contexts,
// handlers that fail, refuse and publish. What each message leads to follows from the message alone, so that the model
// knows it beforehand.
import {
  type App,
  app,
  channel,
  command,
  event,
  type Part,
  processor,
  Refused,
  type Source,
  sqlite,
  topic,
} from 'millrace'
import type { Random, Workload } from 'millrace/testing'
import { shape } from '../../src/testing/conformance/support.ts'
import { mix, randomOf } from '../../src/testing/random.ts'
import type { Known, Logged, Model } from './model.ts'

export interface Data {
  readonly key: string
  readonly n: number
}

const schema = shape({ key: 'string', n: 'number' })

export interface Generated {
  readonly make: (model: () => Model) => App
  readonly workload: (work: Workload, random: Random) => void
  readonly processors: readonly Known[]
  /** What a processor publishes on a message, as JSON. */
  readonly expected: (processor: string, message: Logged) => string[]
}

interface Plan extends Known {
  readonly on: number
  /** Sources that come later, so that chains end. */
  readonly to: readonly number[]
  readonly salt: number
}

const stagesMax = 3
const processorsMax = 5

export function generate(seed: number): Generated {
  const random = randomOf(seed, 'generate')
  const stages = 1 + random.below(stagesMax)
  const last = stages - 1
  const sources = Array.from({ length: stages }, (_, stage) => {
    const kinds = Array.from({ length: 1 + random.below(2) }, (_, kind) => `s${stage}.t${kind}`)
    // Some types group their messages, some leave each by itself.
    const grouped = (name: string) =>
      random.chance(0.8) ? { schema, context: ({ key }: Data) => key, name } : { schema, name }
    const options = kinds.map(grouped)
    const asChannel = stage === last && stage > 0 && random.chance(0.4)
    return asChannel
      ? channel(
          `s${stage}`,
          options.map(({ name, ...rest }) => command(name, rest)),
        )
      : topic(
          `s${stage}`,
          options.map(({ name, ...rest }) => event(name, rest)),
        )
  })

  const plans: Plan[] = []
  const add = (on: number) => {
    const source = sources[on]!
    const all = source.types.map(({ name }) => name)
    const handled = source.kind === 'channel' ? all : all.filter(() => random.chance(0.85))
    const to = sources.flatMap((_, stage) => (stage > on && random.chance(0.7) ? [stage] : []))
    plans.push({
      name: `p${plans.length}`,
      source: source.name,
      handles: new Set(handled),
      rows: random.chance(0.7),
      on,
      to,
      salt: random.below(2 ** 31),
    })
  }
  for (const [stage, { kind }] of sources.entries()) if (kind === 'channel') add(stage)
  const count = 1 + random.below(processorsMax)
  while (plans.length < count) add(random.below(sources[last]!.kind === 'channel' ? last : stages))

  const draw = (plan: Plan, id: string, what: string) => {
    let bits = plan.salt
    for (const char of `${what} ${id}`) bits = mix(bits + char.codePointAt(0)!)
    return (bits >>> 0) / 2 ** 32
  }
  /** The messages that handling this one sends, in order. */
  const outgoing = (plan: Plan, id: string, data: Data) =>
    plan.to.flatMap((stage) => {
      if (draw(plan, id, `to ${stage}`) < 0.3) return []
      const { types } = sources[stage]!
      const type = types[Math.floor(draw(plan, id, `type ${stage}`) * types.length)]!
      return [{ type, data: { key: data.key, n: data.n + 1_000 * (stage + 1) } }]
    })

  const unruly = random.pick([0, 0.1, 0.3])
  const options = plans.map(() => ({
    concurrency: 1 + random.below(8),
    timeoutMs: random.pick([200, 1_000, 30_000]),
    lingerMs: random.pick([0, 500, 30_000]),
    retry: { attempts: 1 + random.below(4), firstDelayMs: random.pick([0, 10, 300]), maxDelayMs: 2_000 },
  }))

  const windows = random.pick([2, 16, 4_096])
  const messages = random.pick([10, 30, 60])
  const keys = 1 + random.below(6)

  const make = (model: () => Model): App => {
    const parts: Part[] = plans.map((plan, index) => {
      const source = sources[plan.on]!
      const targets = plan.to.flatMap((stage) => sources[stage]!.types as readonly unknown[])
      const handle = async (message: { id: string; data: Data }, context: AnyContext) => {
        const { id, data } = message
        const attempt = model().started(plan.name, id)
        const fails = draw(plan, id, 'unruly') < unruly ? Math.floor(draw(plan, id, 'fails') * 7) : 0
        const early = draw(plan, id, 'early') < 0.5
        const sends = () => {
          for (const { type, data: sent } of outgoing(plan, id, data)) {
            if (type.kind === 'event') context.publish(type, sent)
            else context.send(type, sent)
          }
        }
        if (draw(plan, id, 'pause') < 0.5) await null
        if (early) sends()
        const where = draw(plan, id, 'where')
        if (attempt <= fails && where < 0.4) throw new Error(`fails ${fails} times`)
        if (attempt <= fails && where < 0.6) throw new Refused(`refuses ${fails} times`)
        if (!plan.rows) {
          if (attempt <= fails) throw new Error(`fails ${fails} times`)
          if (!early) sends()
          return
        }
        return context.commit(async (tx) => {
          await tx.query`insert into done (processor, id, context, n) values (${plan.name}, ${id}, ${data.key}, ${data.n})`
          if (!early) sends()
          if (attempt <= fails) throw new Error(`fails ${fails} times, after its row`)
        })
      }
      return processor(plan.name, {
        on: source as Source,
        publishes: targets.filter((type) => (type as { kind: string }).kind === 'event') as never,
        sends: targets.filter((type) => (type as { kind: string }).kind === 'command') as never,
        ...options[index],
        handle: Object.fromEntries([...plan.handles].map((name) => [name, handle])) as never,
      })
    })
    return app({
      name: 'simulated',
      broker: sqlite({ file: 'simulated.db' }),
      // Small, so that windows fill and processors catch up from disk.
      windowMessages: windows,
      setup: (tx) =>
        tx.query`create table if not exists done (place integer primary key, processor text, id text, context text, n int)`,
      parts: [...sources, ...parts],
    })
  }

  const workload = (work: Workload, draw: Random) => {
    const clients = [work, ...Array.from({ length: draw.below(4) }, () => work.client())]
    for (let n = 0; n < messages; n++) {
      const client = draw.pick(clients)
      const source = draw.pick(sources)
      const type = draw.pick(source.types as readonly { kind: string }[])
      const data: Data = { key: `k${draw.below(keys)}`, n }
      const own = draw.chance(0.3) ? { id: `own-${n}` } : {}
      if (type.kind === 'event') client.publish(type as never, data as never, own)
      else client.send(type as never, data as never, own)
      if (draw.chance(0.1)) client.wait(draw.below(3_000))
      if (draw.chance(0.1)) {
        client.act('release what is held', async ({ held, release, random }) => {
          for (const { id } of held()) if (random.chance(0.5)) await release(id)
        })
      }
    }
  }

  const expected = (name: string, message: Logged) => {
    const plan = plans.find((one) => one.name === name)!
    return outgoing(plan, message.id, JSON.parse(message.json) as Data).map(({ data }) => JSON.stringify(data))
  }
  return { make, workload, processors: plans, expected }
}

interface AnyContext {
  publish(type: unknown, data: unknown): void
  send(type: unknown, data: unknown): void
  commit(fn: (tx: { query(text: TemplateStringsArray, ...values: unknown[]): Promise<unknown> }) => unknown): unknown
}
