// Random mediators from a seed, what they conduct, routes that start their flows, and people who interfere. What a flow
// does follows from the event that started it and from what it is told, so that it goes the same way at each replay.
import {
  channel,
  command,
  event,
  type FlowState,
  isMillraceError,
  mediator,
  type Part,
  processor,
  Refused,
  route,
  topic,
} from 'millrace'
import type { Actions, Random, Workload } from 'millrace/testing'
import type { App } from '../../src/app/app.ts'
import { shape } from '../../src/testing/conformance/support.ts'
import { randomOf } from '../../src/testing/random.ts'
import { draw } from './chance.ts'
import type { FlowKnown } from './journals.ts'
import type { Known, Logged, Model, Settle } from './model.ts'
import type { Names } from './names.ts'

interface Data {
  readonly key: string
  readonly n: number
}

interface StepData extends Data {
  readonly step: string
}

/** One thing that a flow does. */
type Node =
  | { readonly do: 'call'; readonly name: string; readonly timeoutMs?: number; readonly attempts?: number }
  | { readonly do: 'send' | 'publish'; readonly delayMs?: number }
  | { readonly do: 'wait' | 'ask'; readonly name: string; readonly timeoutMs?: number }
  | { readonly do: 'sleep'; readonly name: string; readonly ms: number }
  | { readonly do: 'all' | 'race' | 'withdraw'; readonly branches: readonly (readonly Node[])[] }
  | { readonly do: 'map'; readonly name: string; readonly count: number; readonly limit: number }
  | { readonly do: 'flow'; readonly name: string; readonly timeoutMs?: number }
  | { readonly do: 'catches'; readonly nodes: readonly Node[] }
  | { readonly do: 'chooses'; readonly names: readonly [string, string] }
  | { readonly do: 'no return' | 'fails' | 'goes on' }

/** What a flow may do, by how often. */
export type NodeKind = Node['do']
export const nodeKinds: readonly NodeKind[] = [
  'call',
  'send',
  'publish',
  'wait',
  'ask',
  'sleep',
  'all',
  'race',
  'withdraw',
  'map',
  'flow',
  'catches',
  'chooses',
  'no return',
  'fails',
  'goes on',
]
const weights: Readonly<Record<NodeKind, number>> = {
  call: 12,
  send: 1,
  publish: 2,
  wait: 3,
  ask: 1,
  sleep: 2,
  all: 2,
  race: 2,
  withdraw: 2,
  map: 1,
  flow: 2,
  catches: 1,
  chooses: 1,
  'no return': 0.4,
  fails: 1,
  'goes on': 0.4,
}

export const flowActionKinds = ['cancel', 'pause', 'resume', 'answer', 'stop'] as const
export type FlowActionKind = (typeof flowActionKinds)[number]

/** What is narrower than by chance. */
export interface FlowBias {
  /** What flows do beside calls. */
  readonly nodes?: readonly NodeKind[]
  readonly people?: readonly FlowActionKind[]
  readonly hotFlowsMax?: number
  readonly serial?: boolean
}

export interface GeneratedFlows {
  readonly parts: () => Part[]
  readonly hotFlowsMax: number
  readonly processors: readonly Known[]
  readonly mediators: readonly FlowKnown[]
  readonly workload: (clients: readonly Pick<Workload, 'publish' | 'act' | 'wait'>[], random: Random) => void
  /** What a processor publishes on a message, as JSON. */
  readonly expected: (processor: string, message: Logged) => string[]
  /** What people do in the end of a run, so that all flows end; gives whether something is left. */
  readonly settling: () => Settle
  /** How many flows the route starts on a message. */
  readonly starts: (id: string) => number
}

const data = shape({ key: 'string', n: 'number' })
const stepData = shape({ key: 'string', n: 'number', step: 'string' })
const key = ({ key }: Data) => key
const depthMax = 2
const endRoundsMax = 200

/** The application that the flows are a part of. */
interface Around {
  readonly seed: number
  readonly model: () => Model
  readonly names: Names
}

export function generateFlows({ seed, model, names }: Around, bias: FlowBias = {}): GeneratedFlows {
  const random = randomOf(seed, 'mediators')
  const salt = random.below(2 ** 31)
  const byKey = random.chance(0.6)
  const Placed = event('order.placed', { schema: data, context: key })
  const Paid = event('order.paid', { schema: data, context: key })
  const Noted = event('order.noted', { schema: data, context: key })
  const Part = event('part.placed', { schema: data, context: key })
  const Orders = topic('orders', [Placed, Paid, Noted])
  const context = byKey ? key : ({ key: of, step }: StepData) => `${of} ${step}`
  const Do = command('do', {
    schema: stepData,
    reply: shape({ n: 'number' }),
    refusal: shape({ n: 'number' }),
    context,
  })
  const Undo = command('undo', { schema: stepData, context })
  const Work = channel('work', [Do, Undo])

  const nodes = bias.nodes ?? nodeKinds.filter((kind) => kind === 'call' || random.chance(0.7))
  const mediators: FlowKnown[] = ['m0', 'm1'].slice(0, 1 + random.below(2)).map((name, index) => ({
    name,
    serial: random.chance(0.3),
    once: index === 1 && random.chance(0.3),
    startedBy: Placed.name,
    topic: Orders.name,
  }))
  const part: FlowKnown = {
    name: 'part',
    serial: random.chance(0.2),
    once: false,
    startedBy: Part.name,
    topic: undefined,
  }
  const all = [...mediators, part].map((one) => (bias.serial === undefined ? one : { ...one, serial: bias.serial }))
  const routed = random.chance(0.6)

  const attempts = 1 + random.below(4)
  const onHold = random.pick(['block', 'block', 'pass'] as const)
  const options = {
    concurrency: 1 + random.below(8),
    timeoutMs: random.pick([200, 1_000, 30_000]),
    lingerMs: random.pick([0, 500, 30_000]),
    onHold,
    probeAfter: 10_000,
    retry: { attempts, immediate: random.below(3), firstDelayMs: random.pick([0, 10, 300]), maxDelayMs: 1_000 },
  }
  const unruly = random.pick([0, 0.1, 0.3])
  const refuses = random.pick([0, 0.1, 0.3])
  const keys = 1 + random.below(3)
  const events = random.pick([4, 8, 12])
  const people = random.pick([0.1, 0.4])

  const ofMediator = (name: string, source: string, handles: readonly string[], role: Known['role']): Known => ({
    name,
    source,
    handles: new Set(handles),
    rows: false,
    onHold: 'block',
    attemptsMax: 5,
    probes: true,
    decisionsMax: 0,
    role,
  })
  const processors: Known[] = [
    {
      ...ofMediator('worker', 'work', ['do', 'undo'], 'worker'),
      rows: true,
      onHold,
      attemptsMax: attempts,
      probes: false,
    },
    ...mediators.map(({ name }) => ofMediator(name, 'orders', [Placed.name, Paid.name], 'mediator')),
    ofMediator('part.orders', 'orders', [Paid.name], 'mediator'),
    ...(routed ? [ofMediator('intake', 'orders', [Noted.name], undefined)] : []),
  ]

  // ── what handlers do ───────────────────────────────────────────────────────────────────────────────────────────

  const paysFor = (id: string) => draw(salt, id, 'pays') < 0.3
  const paid = ({ key: of, n }: Data): Data => ({ key: of, n: n + 1_000 })
  const starts = (id: string) => Math.floor(draw(salt, id, 'starts') * 3)
  const sends = (id: string) => draw(salt, id, 'sends') < 0.3

  const handle = async (message: { id: string; data: StepData }, context: AnyContext) => {
    const { id, data: given } = message
    const { idempotencyKey, attempt: number } = context
    const call = { data: given, idempotencyKey, number, now: context.now() }
    const attempt = model().started('worker', id, call)
    const fails = draw(salt, id, 'unruly') < unruly ? Math.floor(draw(salt, id, 'fails') * 6) : 0
    if (draw(salt, id, 'pause') < 0.5) await context.read`select 1`
    if (draw(salt, id, 'refuses') < refuses) throw new Refused('not this one', { n: given.n })
    return context.commit(async (tx) => {
      await tx.query`insert into done (processor, id, context, n, run)
        values ('worker', ${id}, ${given.key}, ${given.n}, ${model().begun})`
      if (paysFor(id)) context.publish(Paid, paid(given))
      if (attempt <= fails) throw new Error(`fails ${fails} times`)
      return { n: given.n }
    })
  }

  // ── what flows do ──────────────────────────────────────────────────────────────────────────────────────────────

  const programOf = (id: string, name: string) => {
    const chance = randomOf(salt, `${name} ${id}`)
    let count = 0
    // Who does a step again after the point of no return meets others of its branches where they are by now.
    const forward = chance.chance(0.1)
    const sideBySide: readonly NodeKind[] = ['all', 'race', 'withdraw', 'map']
    const allowed = nodes
      .filter((kind) => name !== 'part' || (kind !== 'flow' && kind !== 'publish'))
      .filter((kind) => (forward ? !sideBySide.includes(kind) : kind !== 'no return'))
    const newName = () => `${chance.chance(0.6) ? 'u' : 's'}${count++}`
    const limited = (share: number) => (chance.chance(share) ? { timeoutMs: chance.pick([0, 5, 300, 3_000]) } : {})
    const several = (depth: number) => Array.from({ length: 2 + chance.below(2) }, () => list(depth + 1, 2))
    const node = (depth: number): Node => {
      const fit = allowed.filter((kind) => depth < depthMax || !['all', 'race', 'withdraw', 'catches'].includes(kind))
      const kind = weighted(chance, fit)
      switch (kind) {
        case 'call':
          // Made again it has several steps, of which none is to be undone: their undos would have names of each other.
          if (chance.chance(0.1)) return { do: kind, name: `s${count++}`, ...limited(0.25), attempts: 2 }
          return { do: kind, name: newName(), ...limited(0.25) }
        case 'send':
        case 'publish':
          return { do: kind, ...(chance.chance(0.3) ? { delayMs: chance.below(1_000) } : {}) }
        case 'wait':
        case 'ask':
          return { do: kind, name: newName(), ...limited(0.5) }
        case 'sleep':
          return { do: kind, name: newName(), ms: chance.pick([0, 1, 20, 500]) }
        case 'all':
        case 'race':
        case 'withdraw':
          return { do: kind, branches: several(depth) }
        case 'map':
          return { do: kind, name: newName(), count: 1 + chance.below(3), limit: 1 + chance.below(2) }
        case 'flow':
          return { do: kind, name: newName(), ...limited(0.25) }
        case 'catches':
          return { do: kind, nodes: list(depth + 1, 2) }
        case 'chooses':
          return { do: kind, names: [newName(), newName()] }
        default:
          return { do: kind }
      }
    }
    const list = (depth: number, most: number) => Array.from({ length: 1 + chance.below(most) }, () => node(depth))
    return list(0, 4)
  }

  const conduct =
    (known: FlowKnown, partMediator: unknown) => async (message: { id: string; data: Data }, flow: AnyFlow) => {
      const { id, data: order } = message
      /** Steps in the order in which it was told of their ends. */
      const told: string[] = []
      const sub = (name: string) => name.startsWith('u')
      const of = async <T>(name: string, step: Promise<T>): Promise<T> => {
        try {
          const value = await step
          told.push(name)
          return value
        } catch (error) {
          if (!isMillraceError(error, 'millrace/step-cancelled')) told.push(name)
          throw error
        }
      }
      const call = (name: string, more: object = {}) => {
        const step = { ...order, step: name }
        const undo = sub(name) ? { undo: () => flow.call('back', Undo, step) } : {}
        return flow.call(name, Do, step, { ...undo, ...more })
      }
      const chosen = (name: string) => of(name, call(name))
      const run = async (nodes: readonly Node[]): Promise<void> => {
        for (const node of nodes) await one(node)
      }
      const one = async (node: Node): Promise<unknown> => {
        switch (node.do) {
          case 'call': {
            const { name, timeoutMs, attempts } = node
            const limited = timeoutMs === undefined ? {} : { timeoutMs }
            // Made again it has several steps, and their names are not its own.
            if (attempts !== undefined) return call(name, { ...limited, retry: { attempts, firstDelayMs: 5 } })
            return of(name, call(name, limited))
          }
          case 'send':
            return flow.send(
              Do,
              { ...order, step: 'sent' },
              node.delayMs === undefined ? undefined : { delayMs: node.delayMs },
            )
          case 'publish':
            return flow.publish(Noted, order, node.delayMs === undefined ? undefined : { delayMs: node.delayMs })
          case 'wait':
            return of(
              node.name,
              flow.wait(node.name, Paid, node.timeoutMs === undefined ? {} : { timeoutMs: node.timeoutMs }),
            )
          case 'ask': {
            const limited = node.timeoutMs === undefined ? {} : { timeoutMs: node.timeoutMs }
            return of(node.name, flow.ask(node.name, { schema: data, title: 'Which one?', ...limited }))
          }
          case 'sleep':
            return of(node.name, flow.sleep(node.name, node.ms))
          case 'all':
            return flow.all(node.branches.map(run))
          case 'race':
            return flow.race(node.branches.map(run))
          case 'withdraw':
            return flow.race(
              node.branches.map((branch) => () => run(branch)),
              { losers: 'withdraw' },
            )
          case 'map': {
            const items = Array.from({ length: node.count }, (_, index) => `${node.name}.${index}`)
            return flow.map(items, (name) => of(name, call(name)), { limit: node.limit })
          }
          case 'flow': {
            const limited = node.timeoutMs === undefined ? {} : { timeoutMs: node.timeoutMs }
            const undo = sub(node.name) ? { undo: () => flow.call('back', Undo, { ...order, step: node.name }) } : {}
            return of(node.name, flow.subflow(node.name, partMediator, order, { ...limited, ...undo }))
          }
          case 'catches':
            return run(node.nodes).catch((error: unknown) => {
              if (!(error instanceof Error)) throw error
            })
          case 'chooses':
            return chosen(node.names[flow.random() < 0.5 ? 0 : 1])
          case 'no return':
            return flow.noReturn()
          case 'fails':
            throw new Error('it was meant to fail')
          case 'goes on':
            if (order.n % 1_000 < 900) flow.continueAs({ key: order.key, n: order.n + 300 })
            return undefined
        }
      }
      await run(programOf(id, known.name))
      return { told }
    }

  const made = (known: FlowKnown, part?: unknown) => {
    const { name, renamedFrom } = names.of(known.name)
    return mediator(name, {
      renamedFrom,
      ...(known.topic === undefined ? {} : { on: Orders }),
      startedBy: known.name === 'part' ? Part : Placed,
      sends: [Do, Undo],
      waits: [Paid],
      publishes: [Noted],
      starts: (part === undefined ? [] : [part]) as never,
      serial: known.serial,
      ...(known.once ? { oncePer: ({ key: of, n }: Data) => `${of} ${n % 3}` } : {}),
      run: conduct(known, part) as never,
    })
  }

  const parts = (): Part[] => {
    const partMediator = made(all.at(-1)!)
    const ofWorker = names.of('worker')
    const worker = processor(ofWorker.name, {
      on: Work,
      renamedFrom: ofWorker.renamedFrom,
      publishes: [Paid],
      ...options,
      handle: { do: handle as never, undo: handle as never },
    })
    const ofIntake = names.of('intake')
    const intake = route(ofIntake.name, {
      on: Orders,
      renamedFrom: ofIntake.renamedFrom,
      sends: [Do],
      starts: [partMediator],
      handle: {
        'order.noted': async ({ id, data: given }, to) => {
          if (draw(salt, id, 'reads') < 0.5) await to.read`select 1`
          for (let n = 0; n < starts(id); n++) to.start(partMediator, { ...given, n: given.n + n })
          if (sends(id)) to.send(Do, { ...given, step: 'routed' })
        },
      },
    })
    return [
      Orders,
      worker,
      partMediator,
      ...all.slice(0, -1).map((known) => made(known, partMediator)),
      ...(routed ? [intake] : []),
    ]
  }

  const expected = (name: string, { id, json }: Logged): string[] => {
    const given = JSON.parse(json) as StepData
    if (name === 'worker') return paysFor(id) ? [JSON.stringify(paid(given))] : []
    return sends(id) ? [JSON.stringify({ ...given, step: 'routed' })] : []
  }

  // ── what people do ─────────────────────────────────────────────────────────────────────────────────────────────

  const tried = async (who: string, action: Promise<unknown>, lax = false): Promise<void> => {
    let refused: string | undefined
    try {
      await action
    } catch (error) {
      if (!isMillraceError(error)) throw error
      refused = error.code
    }
    if (!lax || refused !== undefined) model().answered(who, refused)
  }
  const underWay = ({ query }: Actions) =>
    query<{ id: number; state: FlowState }>`select id, state from millrace_flows where ended_at is null order by id`

  const act: Readonly<Record<FlowActionKind, (name: string) => (actions: Actions) => Promise<void>>> = {
    cancel: (name) => async (actions) => {
      for (const { id } of underWay(actions).filter(() => actions.random.chance(0.3))) {
        const by = `${name} ${id}`
        const doing = [tried(by, actions.flows.cancel(id, { by }))]
        if (actions.random.chance(0.3)) doing.push(tried(`${by} too`, actions.flows.cancel(id, { by: `${by} too` })))
        if (actions.random.chance(0.3)) doing.push(tried(`${by} 2`, actions.flows.pause(id, { by: `${by} 2` }), true))
        await Promise.all(doing)
      }
    },
    pause: (name) => async (actions) => {
      for (const { id } of underWay(actions).filter(() => actions.random.chance(0.5))) {
        const by = `${name} ${id}`
        await tried(by, actions.flows.pause(id, { by }), true)
      }
    },
    resume: (name) => async (actions) => {
      for (const { id, state } of underWay(actions)) {
        const by = `${name} ${id}`
        if (state !== 'paused' && state !== 'stuck' && actions.random.chance(0.8)) continue
        await tried(by, actions.flows.resume(id, { by }), true)
      }
    },
    answer: (name) => async (actions) => {
      for (const { flow, step } of await actions.flows.questions()) {
        const by = `${name} ${flow} ${step}`
        const twice = actions.random.chance(0.3)
        await Promise.all([
          tried(by, actions.flows.answer(flow, step, { key: 'k', n: 1 }, { by })),
          ...(twice ? [tried(`${by} 2`, actions.flows.answer(flow, step, { key: 'k', n: 2 }, { by: `${by} 2` }))] : []),
        ])
      }
    },
    stop: (name) => async (actions) => {
      for (const { id } of underWay(actions).filter(() => actions.random.chance(0.2))) {
        const by = `${name} ${id}`
        await tried(by, actions.flows.stop(id, { by, reason: 'enough' }))
      }
    },
  }

  const workload: GeneratedFlows['workload'] = (clients, chance) => {
    const kinds = bias.people ?? flowActionKinds
    for (let n = 0; n < events; n++) {
      const client = chance.pick(clients)
      const of = { key: `k${chance.below(keys)}`, n }
      const type = chance.pick([Placed, Placed, Paid, Noted])
      client.publish(type, of, chance.chance(0.3) ? { id: `own-${type.name}-${n}` } : {})
      if (chance.chance(0.2)) client.wait(chance.below(1_000))
      const kind = chance.pick(kinds)
      const often = kind === 'stop' ? people / 4 : people
      if (kinds.length > 0 && chance.chance(often)) {
        chance.pick(clients).act(`${kind} flow ${n}`, act[kind](`${kind} flow ${n}`))
      }
    }
  }

  const settling = (): Settle => {
    let rounds = 0
    const stuck = new Map<number, number>()
    return async (app: App): Promise<boolean> => {
      const open = (await app.flows.list({ limit: 1_000 })).filter(({ endedAt }) => endedAt === null)
      if (open.length === 0) {
        rounds = 0
        return false
      }
      if (++rounds > endRoundsMax)
        throw new Error(`flows do not end: ${JSON.stringify(open.map(({ id, state }) => [id, state]))}`)
      // Claims do not bind the app: who had claimed a message does not end it.
      const by = (what: string) => ({ by: `app end ${rounds} ${what}`, reason: 'in the end' })
      for (const { id } of await app.desk.list({
        processor: names.of('worker').name,
        states: ['held'],
        limit: 1_000,
      })) {
        // What is withdrawn meanwhile leaves the desk by itself.
        await app.desk.discard(id, by(`discards ${id}`)).catch((error: unknown) => {
          if (!isMillraceError(error, 'millrace/not-held')) throw error
        })
      }
      const asking = new Set(open.filter(({ state }) => state === 'running').map(({ id }) => id))
      for (const { flow, step } of await app.flows.questions()) {
        if (!asking.has(flow)) continue
        const answers = app.flows.answer(flow, step, { key: 'k', n: 1 }, by(`answers ${flow} ${step}`))
        // Its time may have come meanwhile.
        await answers.catch((error: unknown) => {
          if (!isMillraceError(error)) throw error
        })
      }
      for (const { id, state, context, mediator: name } of open) {
        if (state === 'paused') {
          // One that waited to be let go by another may have ended by itself.
          await app.flows.resume(id, by(`resumes ${id}`)).catch((error: unknown) => {
            if (!isMillraceError(error, 'millrace/flow-ended')) throw error
          })
        }
        if (state === 'stuck') {
          const times = (stuck.get(id) ?? 0) + 1
          stuck.set(id, times)
          if (times > 4) await app.flows.stop(id, by(`stops ${id}`))
          else await app.flows.resume(id, by(`resumes ${id}`))
        }
        if (state !== 'running') continue
        const waits = (await app.flows.show(id))!.steps.some((step) => step.kind === 'wait' && step.state === 'running')
        if (waits && name !== 'nobody') await app.publish(Paid, { key: context!, n: 5_000 + rounds })
      }
      return true
    }
  }

  return {
    parts,
    hotFlowsMax: bias.hotFlowsMax ?? random.pick([1, 2, 10_000]),
    processors,
    mediators: all,
    workload,
    expected,
    settling,
    starts,
  }
}

function weighted(chance: Random, kinds: readonly NodeKind[]): NodeKind {
  let left = chance() * kinds.reduce((sum, kind) => sum + weights[kind], 0)
  for (const kind of kinds) {
    left -= weights[kind]
    if (left <= 0) return kind
  }
  return 'call'
}

type Query = (text: TemplateStringsArray, ...values: unknown[]) => Promise<unknown>

interface AnyContext {
  readonly idempotencyKey: string
  readonly attempt: number
  readonly read: Query
  now(): number
  publish(type: unknown, data: unknown): void
  commit(fn: (tx: { query: Query }) => unknown): unknown
}

interface AnyFlow {
  call(name: string, type: unknown, data: unknown, options?: object): Promise<unknown>
  send(type: unknown, data: unknown, delay?: object): void
  publish(type: unknown, data: unknown, delay?: object): void
  wait(name: string, type: unknown, options?: object): Promise<unknown>
  ask(name: string, options: object): Promise<unknown>
  sleep(name: string, ms: number): Promise<void>
  subflow(name: string, mediator: unknown, data: unknown, options?: object): Promise<unknown>
  all(branches: readonly unknown[]): Promise<unknown>
  race(branches: readonly unknown[], options?: object): Promise<unknown>
  map(items: readonly string[], fn: (item: string) => unknown, options: object): Promise<unknown>
  continueAs(data: unknown): void
  noReturn(): void
  random(): number
}
