// Shows the desk: lists, groups, the audit log.
import type { AuditRow, DeskGroup, DeskRow, DeskState, ErrorRecord, GroupBy } from '../../index.ts'
import { type Call, takeWords, withApp } from '../call.ts'
import { listRows, showList } from '../lists.ts'
import { UsageError } from '../output.ts'
import { type Column, count, duration, moment, table } from '../print.ts'

export interface ListWords {
  readonly processor?: string | undefined
  readonly state?: readonly string[] | undefined
  readonly type?: string | undefined
  readonly context?: string | undefined
  readonly group?: number | undefined
  readonly after?: number | undefined
  readonly limit?: number | undefined
}

const states: readonly DeskState[] = ['held', 'deciding', 'trying', 'line', 'handled', 'discarded']

/** Shows the messages at the desk, oldest first. */
export async function deskList(call: Call, words: ListWords): Promise<number> {
  takeWords(call, [], 0)
  const { out } = call
  const { state, after, limit = listRows, processor, type, context, group } = words
  const filter = { processor, type, context, group, states: readStates(state) }
  return withApp(call, async ({ desk }) => {
    const read = (from: number | undefined, rows: number) => desk.list({ ...filter, after: from, limit: rows })
    const list = { read, columns: columns(Date.now()), object: listed, nothing: nothing(words), more: '--after' }
    await showList({ ...list, after, limit }, out)
    return 0
  })
}

function nothing({ after = 0, ...filter }: ListWords): string {
  const any = Object.entries(filter).some(([name, value]) => name !== 'limit' && value !== undefined)
  const what = any ? 'no message at the desk matches' : 'no message is held at the desk'
  return after === 0 ? what : `${what} after ${after}`
}

/** Reads the states; default: those that need a person. */
function readStates(names: readonly string[] = ['held']): DeskState[] | undefined {
  if (names.includes('all')) return undefined
  return names.map((name) => {
    const found = states.find((state) => state === name)
    if (found === undefined) throw new UsageError(`--state is "${name}", but must be ${states.join(', ')} or all`)
    return found
  })
}

function columns(nowMs: number): Column<DeskRow>[] {
  return [
    { title: 'ID', value: ({ id }) => id },
    { title: 'PROCESSOR', value: ({ processor }) => processor, shrinksTo: 9 },
    { title: 'STATE', value: stateText, shrinksTo: 12 },
    { title: 'TYPE', value: ({ message }) => message.type, shrinksTo: 6, keeps: 12 },
    { title: 'CONTEXT', value: ({ message }) => message.context ?? '-', shrinksTo: 7 },
    { title: 'ERROR', value: ({ error }) => errorText(error), shrinksTo: 8, keeps: 12 },
    { title: 'TRIED', value: ({ attempts }) => attempts },
    { title: 'LINE', value: ({ waiting }) => lineText(waiting) },
    { title: 'SINCE', value: ({ heldAt }) => duration(nowMs - heldAt) },
  ]
}

/** Formats the length of a line, which is counted up to a bound. */
export const lineText = (waiting: number): string => (waiting < 1_000 ? String(waiting) : '1000+')

/** The columns given to an error. */
export const errorColumns = 20

export function errorText(error: Pick<ErrorRecord, 'code' | 'message'> | null): string {
  return error === null ? '-' : `${error.code}: ${error.message}`
}

/** Describes a state, with the action that is done when the app starts. */
function stateText({ state, pending }: DeskRow): string {
  return pending === null ? state : `${state} → ${pending.action.do}`
}

/** Makes the JSON of a message at the desk. */
export function listed(row: DeskRow) {
  const { id, processor, state, message, error, attempts, waiting, heldAt, pending } = row
  return {
    id,
    processor,
    state,
    type: message.type,
    context: message.context,
    error: error === null ? null : { code: error.code, message: error.message },
    attempts,
    waiting,
    heldAt: new Date(heldAt).toISOString(),
    messageId: message.id,
    correlationId: message.correlationId,
    ...(pending === null ? {} : { pending: pending.action.do }),
  }
}

export interface GroupWords {
  readonly by?: string | undefined
  readonly processor?: string | undefined
  readonly limit?: number | undefined
}

const groupRows = 1_000

const groupings: readonly GroupBy[] = ['all', 'processor', 'error', 'type']

/** Shows the number of held messages by what they share; the largest group first. */
export async function deskGroups(
  call: Call,
  { by = 'all', processor, limit = groupRows }: GroupWords,
): Promise<number> {
  takeWords(call, [], 0)
  const { out } = call
  const grouping = groupings.find((one) => one === by)
  if (grouping === undefined) throw new UsageError(`--by is "${by}", but must be ${groupings.join(', ')}`)
  return withApp(call, async ({ desk }) => {
    const groups = await desk.groups(grouping, { processor, limit })
    if (out.json) {
      for (const { firstAt, lastAt, ...group } of groups) {
        const times = { firstAt: new Date(firstAt).toISOString(), lastAt: new Date(lastAt).toISOString() }
        await out.object({ ...group, ...times })
      }
    } else if (groups.length === 0) out.line('no message is held')
    else await out.lines(table(groupColumns(grouping, Date.now()), groups, out.columns))
    if (!out.json && groups.length === limit) out.note(`there may be more: --limit ${limit * 10}`)
    return 0
  })
}

function groupColumns(by: GroupBy, nowMs: number): Column<DeskGroup>[] {
  const all = by === 'all'
  return [
    ...(all ? [{ title: 'GROUP', value: ({ id }: DeskGroup) => id ?? '-' }] : []),
    { title: 'HELD', value: ({ held }) => held },
    ...(all || by === 'processor'
      ? [{ title: 'PROCESSOR', value: ({ processor }: DeskGroup) => processor ?? '-', shrinksTo: 9 }]
      : []),
    ...(all || by === 'type' ? [{ title: 'TYPE', value: ({ type }: DeskGroup) => type ?? '-', shrinksTo: 8 }] : []),
    ...(all || by === 'error'
      ? [{ title: 'ERROR', value: ({ error }: DeskGroup) => error ?? '-', shrinksTo: 12 }]
      : []),
    { title: 'FIRST', value: ({ firstAt }) => duration(nowMs - firstAt) },
    { title: 'LAST', value: ({ lastAt }) => duration(nowMs - lastAt) },
  ]
}

export interface AuditWords {
  readonly item?: number | undefined
  readonly before?: number | undefined
  readonly limit?: number | undefined
}

/** Shows the actions at the desk: who, when, what, why; newest first. */
export async function deskAudit(call: Call, { item, before, limit = listRows }: AuditWords): Promise<number> {
  takeWords(call, [], 0)
  const { out } = call
  return withApp(call, async ({ desk }) => {
    const read = (from: number | undefined, rows: number) => desk.audit({ item, before: from, limit: rows })
    const nothing = item === undefined ? 'the audit log is empty' : `the audit log has no line about message ${item}`
    const list = { read, columns: auditColumns, object: auditObject, nothing, more: '--before' }
    await showList({ ...list, after: before, limit }, out)
    return 0
  })
}

export function auditObject({ at, ...row }: AuditRow) {
  return { ...row, at: new Date(at).toISOString() }
}

const auditColumns: readonly Column<AuditRow>[] = [
  { title: 'LINE', value: ({ id }) => id },
  { title: 'WHEN (UTC)', value: ({ at }) => moment(at) },
  { title: 'WHO', value: ({ by }) => by, shrinksTo: 5 },
  { title: 'DID', value: ({ action }) => action },
  { title: 'MESSAGE', value: ({ item }) => item ?? '-' },
  { title: 'ABOUT', value: ({ subject }) => subject, shrinksTo: 6 },
  { title: 'WHY', value: ({ reason, action, detail }) => reason ?? whyOf(action, detail), shrinksTo: 8 },
]

/** The reason of a line where nobody gave one: the error of a held message, or the selection. */
export function whyOf(action: AuditRow['action'], detail: unknown): string {
  const { code, message, action: selected, total } = (detail ?? {}) as Record<string, unknown>
  if (action === 'held' && typeof code === 'string') return `${code}: ${String(message)}`
  return action === 'selected' && typeof total === 'number' ? `to ${String(selected)} ${count(total, 'message')}` : '-'
}
