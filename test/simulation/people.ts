// What people do at the desk and with processors, at random; each action under a name of its own, so that the audit log
// tells whether it was done, and how often.
import type { DeskRow, ResetOptions } from 'millrace'
import { isMillraceError } from 'millrace'
import type { Actions, Client, Random } from 'millrace/testing'
import type { Pausing } from './desk.ts'
import { fired } from './fires.ts'
import { correct, type Data, forTrial } from './generate.ts'
import type { Model } from './model.ts'
import type { Names } from './names.ts'

/** The number that operations write into messages: it is that of no other. */
const operated = 77_000

type People = (client: Client, draw: Random, number: number) => void

export const actionKinds = [
  'release',
  'resubmit',
  'discard',
  'line',
  'claim',
  'take back',
  'select',
  'pause',
  'resume',
  'reset',
] as const
/** `snooze`, `try` and `fire` come in some apps only. */
export type ActionKind = (typeof actionKinds)[number] | 'snooze' | 'try' | 'fire'

const ofPeople = (error: unknown) => {
  if (!isMillraceError(error)) throw error
}

export function peopleIn(
  processors: readonly string[],
  { model, names }: { readonly model: () => Model; readonly names: Names },
  kinds: readonly ActionKind[] = actionKinds,
): People {
  /** Does it, and tells the model what the answer was. */
  const tried = async (who: string, action: Promise<unknown>, is?: Pausing): Promise<void> => {
    let refused: string | undefined
    try {
      await action
    } catch (error) {
      if (!isMillraceError(error)) throw error
      refused = error.code
    }
    model().answered(who, refused, is)
  }

  /** Most name the revision that they have seen, some an older one. */
  const naming = ({ revision }: DeskRow, who: string, random: Random) => {
    if (random.chance(0.4)) return {}
    const seen = random.chance(0.1) ? Math.max(0, revision - 1) : revision
    model().sees(who, seen)
    return { revision: seen }
  }

  const withHeld =
    (what: string, act: (row: DeskRow, who: string, actions: Actions) => Promise<unknown>) =>
    (name: string) =>
    async (actions: Actions) => {
      const { held, random } = actions
      const chosen = held().filter(() => random.chance(0.5))
      for (const row of chosen) {
        const who = `${name} ${what} ${row.id}`
        const twice = random.chance(0.2)
        const again = `${who} again`
        await Promise.all([
          tried(who, act(row, who, actions)),
          ...(twice ? [tried(again, act(row, again, actions))] : []),
        ])
      }
    }

  const corrects = (row: DeskRow, by: string, { desk, random }: Actions) => {
    const data = JSON.parse(row.message.json) as Data
    const wrong = random.chance(0.1)
    const corrected = wrong ? { ...data, key: 'other' } : correct(data)
    model().wants(by, corrected)
    const seen = naming(row, by, random)
    return desk.resubmit(row.id, corrected, { by, reason: 'corrected', ...seen })
  }

  /** What waits in line is corrected or discarded before its turn. */
  const line = (name: string) => async (actions: Actions) => {
    const { desk, held, random } = actions
    for (const { id } of held()) {
      const rows = random.chance(0.5) ? await desk.line(id, { limit: 5 }).catch(() => []) : []
      for (const row of rows.filter(() => random.chance(0.3))) {
        const by = `${name} ${row.id}`
        const reason = 'not needed'
        if (random.chance(0.7)) await tried(by, corrects(row, by, actions))
        else await tried(by, desk.discard(row.id, { by, reason, ...naming(row, by, random) }))
      }
    }
  }

  const claims = (row: DeskRow, by: string, { desk, random }: Actions) => {
    const forMs = 1_000 + random.below(3_000)
    return desk.claim(row.id, { by, forMs, takeOver: random.chance(0.3) })
  }

  /** Some groups are snoozed, some are woken: that is no action where one is not snoozed. */
  const snooze = (name: string) => async (actions: Actions) => {
    const { desk, random } = actions
    for (const { id } of await desk.groups()) {
      if (id === null || random.chance(0.3)) continue
      const by = `${name} ${id}`
      const until = actions.now() + random.pick([2_000, 3_600_000])
      const orCount = random.pick([undefined, 1_000])
      if (random.chance(0.7)) await tried(by, desk.snooze(id, { by, reason: 'known', until, orCount }))
      else await desk.wake(id, { by }).catch(ofPeople)
    }
  }

  const select = (name: string) => async (actions: Actions) => {
    const { desk, random, held } = actions
    const what = random.pick([
      {},
      { processor: names.of(random.pick(processors)).name },
      {
        items: held()
          .map(({ id }) => id)
          .filter(() => random.chance(0.7)),
      },
      { group: random.pick([undefined, ...(await desk.groups()).flatMap(({ id }) => id ?? [])]) },
    ])
    const by = `operation ${name}`
    const pace = {
      perSecond: random.pick([undefined, undefined, 5, 50]),
      stopAfter: random.pick([undefined, undefined, 1, 3]),
    }
    const action = random.pick(['release', 'release', 'resubmit', 'discard'] as const)
    const change = action === 'resubmit' ? { change: [{ op: 'replace', path: '/n', value: operated }] as const } : {}
    const prepare = random.chance(0.3)
    const options = { name: by, by, reason: 'all of them', oneFirst: action !== 'discard' && random.chance(0.4) }
    if (action === 'resubmit') model().wantsChange(by, operated)
    await tried(by, desk.select(action, what, { ...options, ...pace, ...change, prepare }))
    const one = random.pick([undefined, ...(await desk.operations())])
    if (one === undefined) return
    if (random.chance(0.3)) await tried(`abort ${name}`, desk.abort(one.id, { by: `abort ${name}` }))
    else await tried(`run ${name}`, desk.run(one.id, { by: `run ${name}` }))
  }

  const pause = (name: string) => async (actions: Actions) => {
    const { processors: all, random } = actions
    const one = random.pick(processors)
    const today = names.of(one).name
    const pauses = (who: string) => tried(who, all.pause(today, { by: who }), { processor: one, paused: true })
    const resumes = (who: string) => tried(who, all.resume(today, { by: who }), { processor: one, paused: false })
    // Some press all buttons at once.
    if (random.chance(0.2)) await Promise.all([pauses(`${name} 1`), resumes(`${name} 2`), pauses(`${name} 3`)])
    await pauses(name)
    if (random.chance(0.7)) await resumes(`${name} 4`)
  }

  const reset = (name: string) => async (actions: Actions) => {
    const { processors: all, random } = actions
    const one = random.pick(processors)
    const to = random.pick<ResetOptions['to']>([
      'beginning',
      'beginning',
      1 + random.below(20),
      'now',
      new Date(actions.now() - random.below(5_000)),
    ])
    const options = { to, by: name, againToTheWorld: true }
    model().resets(name, to)
    await tried(name, all.reset(names.of(one).name, options))
  }

  const takeBack = (name: string) => async (actions: Actions) => {
    const { desk, random } = actions
    for (const { id } of await desk.list({ states: ['discarded'] })) {
      if (random.chance(0.5)) await tried(`${name} ${id}`, desk.takeBack(id, { by: `${name} ${id}` }))
    }
  }

  const fire = (by: string) => async () => {
    const app = model().edge.app()
    if (app !== undefined) await tried(by, app.schedules.fire(fired, { by, reason: 'once more' }))
  }

  const actions: Readonly<Record<ActionKind, (name: string) => (actions: Actions) => Promise<void>>> = {
    release: withHeld('releases', (row, by, { desk, random }) =>
      desk.release(row.id, { by, ...naming(row, by, random) }),
    ),
    resubmit: withHeld('resubmits', corrects),
    discard: withHeld('discards', (row, by, { desk, random }) =>
      desk.discard(row.id, { by, reason: 'not needed', ...naming(row, by, random) }),
    ),
    line,
    claim: withHeld('claims', claims),
    'take back': takeBack,
    select,
    pause,
    reset,
    snooze,
    fire,
    try: withHeld('tries', (row, by, { desk, random }) =>
      desk.try(row.id, { by, change: [{ op: 'replace', path: '/n', value: forTrial(random.below(1_000)) }] }),
    ),
    resume: (name) => async (actions) => {
      const one = actions.random.pick(processors)
      await tried(name, actions.processors.resume(names.of(one).name, { by: name }), { processor: one, paused: false })
    },
  }

  return (client, draw, number) => {
    const kind = draw.pick(kinds)
    client.act(`${kind} ${number}`, actions[kind](`${kind} ${number}`))
  }
}

/** Sets how many handlers of a processor run at once. What is set so already leaves no line in the audit log. */
export const setting =
  (processors: readonly string[], names: Names, by: string) =>
  async ({ random, processors: all }: Actions): Promise<void> => {
    const concurrency = random.pick([1, 2, 20, 'default'] as const)
    await all.set(names.of(random.pick(processors)).name, { concurrency, by })
  }
