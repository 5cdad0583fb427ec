// Apps with what descriptions can stumble over.
import { type } from 'arktype'
import {
  app,
  channel,
  command,
  desk,
  event,
  failures,
  gather,
  mediator,
  processor,
  route,
  schedule,
  sqlite,
  topic,
} from 'millrace'
import * as v from 'valibot'
import { z } from 'zod'

const file = { broker: sqlite({ file: './never-opened.db' }) }

interface Tree {
  readonly name: string
  readonly children: readonly Tree[]
}
const tree: z.ZodType<Tree, Tree> = z.object({
  name: z.string(),
  get children() {
    return z.array(tree)
  },
})

const Grown = event('tree.grown', {
  schema: tree,
  title: 'A tree has "grown" <b>&</b> #1',
  context: ({ name }) => name,
})
const Cut = event('tree.cut-2_x', { schema: type({ name: 'string', 'at?': 'number.integer' }), version: 3 })
const Moved = event('tree.moved', { schema: v.object({ name: v.string() }) })
const Trees = topic('trees', [Grown, Cut, Moved])

const Plant = command('tree.plant', {
  schema: z.object({ name: z.string().min(1) }),
  reply: z.object({ at: z.int() }),
  refusal: z.object({ why: z.string() }),
})
const Water = command('tree.water', { schema: z.object({ name: z.string() }) })
const Garden = channel('garden', [Plant, Water])

const gardener = processor('gardener', {
  on: Garden,
  publishes: [Grown],
  owner: 'team "green" <green@example.org>',
  handle: { 'tree.plant': () => ({ at: 1 }), 'tree.water': () => {} },
})
const season = mediator('season', {
  on: Trees,
  startedBy: Cut,
  sends: [Plant],
  waits: [Grown],
  run: async () => {},
})
const forest = mediator('forest', { startedBy: Moved, starts: [season], run: async () => {} })
const fork = route('fork', { on: Trees, sends: [Water], starts: [forest], handle: { 'tree.moved': () => {} } })
const Stack = event('stack.full', { schema: z.object({ names: z.array(z.string()) }) })
const Stacks = topic('stacks', [Stack])
const stack = gather('stack', {
  on: Trees,
  of: [Cut],
  publishes: Stack,
  count: 10,
  data: (items) => ({ names: items.map(({ name }) => name) }),
})
const spring = schedule('spring', { cron: '0 0 1 3 *', publishes: Moved, data: () => ({ name: 'all' }) })
const rules = desk('rules', { on: Trees, decide: {} })
const watch = processor('watch', { on: failures, handle: { 'processing.failed': () => {} } })

/** Every kind of part, awkward texts, a schema that refers to itself, one that gives no JSON Schema. */
export const garden = app({
  name: 'garden',
  version: '4.2',
  ...file,
  parts: [Trees, Stacks, Garden, gardener, season, forest, fork, stack, spring, rules, watch],
})

/** No parts at all. */
export const empty = app({ name: 'empty', ...file, parts: [] })

const Any = event('any.thing', { schema: z.unknown() as unknown as z.ZodType<string, string> })
/** A topic that nobody is on, with types whose schemas fail or take anything. */
export const lone = app({ name: 'lone', ...file, parts: [topic('lone', [Any]), topic('nothing', [])] })

const many = Array.from({ length: 60 }, (_, n) => {
  const Done = event(`step-${n}.done`, { schema: z.object({ n: z.number() }) })
  return { Done, on: topic(`step-${n}`, [Done]) }
})
/** A chain of 60 topics and 59 processors. */
export const chain = app({
  name: 'chain',
  ...file,
  parts: many.flatMap(({ on }, n) => {
    const next = many[n + 1]
    return next === undefined ? [on] : [on, processor(`p-${n}`, { on, publishes: [next.Done], handle: {} })]
  }),
})

export const oddApps = { garden, empty, lone, chain }
