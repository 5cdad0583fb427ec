// Which messages at the desk fit a filter: their ids, in order, from indexes alone, because rows are wide.
import { type DeskState, headStates } from '../../model/desk.ts'
import type { DeskFilter, Selection } from '../../model/desk-views.ts'
import type { Statements, Value } from './statements.ts'

const listRows = 100
const all = Number.MAX_SAFE_INTEGER
export const unresolved: readonly DeskState[] = [...headStates, 'line']
const allStates: readonly DeskState[] = [...unresolved, 'handled', 'discarded', 'reset']

/** Messages that are found together in the index of states. */
interface Run {
  readonly state: DeskState
  readonly processor: string
  readonly kind: number
}

/** What is looked for in one context. */
interface InContext {
  readonly context: string
  readonly processor: string | undefined
  readonly states: readonly DeskState[]
  readonly kinds: readonly number[] | undefined
  readonly after: number
  readonly limit: number
}

const inLaneText = 'select id from millrace_desk where processor = ? and stream = ? and lane = ?'
const runText =
  'select id from millrace_desk where state = ? and processor = ? and kind = ? and id > ? order by id limit ?'
const nextKindText =
  'select kind from millrace_desk where state = ? and processor = ? and kind > ? order by kind limit 1'
const nextProcessorText = `select processor, kind from millrace_desk where state = ? and processor > ?
  order by processor, kind limit 1`

/** The names of states as a list in a statement. */
export const quoted = (states: readonly DeskState[] = allStates): string => states.map((one) => `'${one}'`).join(', ')

export class DeskFinder {
  private readonly sql: Statements

  constructor(sql: Statements) {
    this.sql = sql
  }

  find({ group, context, after = 0, limit = listRows, ...filter }: DeskFilter): number[] {
    const { processor, type } = filter
    const states = allStates.filter((state) => (filter.states ?? unresolved).includes(state))
    if (states.length === 0) return []
    if (group !== undefined) {
      if (!states.includes('held') || !this.isGroup(group, filter)) return []
      const only = context === undefined ? '' : 'and context = ?'
      const sql = `select id from millrace_desk where group_id = ? and id > ? ${only} order by id limit ?`
      return this.ids(sql, group, after, ...(context === undefined ? [] : [context]), limit)
    }
    const kinds = type === undefined ? undefined : this.ids('select id from millrace_kinds where type = ?', type)
    if (kinds?.length === 0) return []
    if (context !== undefined) return this.ofContext({ context, processor, states, kinds, after, limit })
    return states
      .flatMap((state) => this.runs(state, processor))
      .filter((run) => kinds === undefined || kinds.includes(run.kind))
      .flatMap((run) => this.ids(runText, run.state, run.processor, run.kind, after, limit))
      .sort((a, b) => a - b)
      .slice(0, limit)
  }

  /** All held messages of a selection. */
  selected({ failedIn, ...what }: Selection): number[] {
    const held = this.heldOf(what)
    if (failedIn === undefined) return held
    return this.ids(
      `select d.id from json_each(?) i cross join millrace_desk d on d.id = i.value
        where d.tries ->> '$[#-1].version' = ?`,
      JSON.stringify(held),
      failedIn,
    )
  }

  private heldOf({ items, processor, type, context, group }: Selection): number[] {
    if (items === undefined) return this.find({ processor, type, context, group, states: ['held'], limit: all })
    return this.ids(
      `select d.id from json_each(?1) i cross join millrace_desk d on d.id = i.value where d.state = 'held'
         and (?2 is null or d.processor = ?2) and (?3 is null or d.context = ?3) and (?4 is null or d.group_id = ?4)
         and (?5 is null or d.kind in (select id from millrace_kinds where type = ?5))`,
      JSON.stringify([...new Set(items)]),
      processor ?? null,
      context ?? null,
      group ?? null,
      type ?? null,
    )
  }

  /** Finds the messages in the lanes of a context, and those of it that have no lane. */
  private ofContext({ context, processor, states, kinds, after, limit }: InContext): number[] {
    const fits = `and id > ? and state in (${quoted(states)}) ${kinds === undefined ? '' : `and kind in (${kinds.join()})`}`
    const only = processor === undefined ? '' : 'and processor = ?'
    const alone = `select id from millrace_desk where context = ? and lane is null ${fits} ${only} order by id limit ?`
    const found = this.ids(alone, context, after, ...(processor === undefined ? [] : [processor]), limit)
    const owners = this.sql.all<{ processor: string; stream: number }>(
      `select processor, stream from millrace_progress where true ${only}`,
      ...(processor === undefined ? [] : [processor]),
    )
    for (const owner of owners) {
      const lane = [owner.processor, owner.stream, context] as const
      if (states.includes('line')) {
        // A place is the id of its message, unless the message has moved to the end of its lane.
        const inPlace = `${inLaneText} and place = id and place > ? ${fits} order by place limit ?`
        found.push(...this.ids(inPlace, ...lane, after, after, limit))
        found.push(...this.ids(`${inLaneText} and place <> id ${fits} order by id limit ?`, ...lane, after, limit))
      } else {
        const [head] = this.ids(`${inLaneText} order by place limit 1`, ...lane)
        if (head !== undefined)
          found.push(...this.ids(`select id from millrace_desk where id = ? ${fits}`, head, after))
      }
    }
    return found.sort((a, b) => a - b).slice(0, limit)
  }

  private isGroup(id: number, { processor, type }: Pick<DeskFilter, 'processor' | 'type'>): boolean {
    const sql = `select 1 from millrace_desk_groups
      where id = ?1 and (?2 is null or processor = ?2) and (?3 is null or type = ?3)`
    return this.sql.one(sql, id, processor ?? null, type ?? null) !== undefined
  }

  /** Each processor and kind that occur together in a state, by one step in the index each. */
  private runs(state: DeskState, only: string | undefined): Run[] {
    const found: Run[] = []
    let processor = only ?? ''
    let kind = 0
    for (;;) {
      const next =
        this.sql.one<Pick<Run, 'kind'>>(nextKindText, state, processor, kind) ??
        (only === undefined
          ? this.sql.one<Pick<Run, 'processor' | 'kind'>>(nextProcessorText, state, processor)
          : undefined)
      if (next === undefined) return found
      const run = { state, processor, ...next }
      found.push(run)
      ;({ processor, kind } = run)
    }
  }

  private ids(sql: string, ...values: readonly Value[]): number[] {
    return this.sql.all<{ id: number }>(sql, ...values).map(({ id }) => id)
  }
}
