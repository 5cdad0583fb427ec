// Shows the desk: lists, groups, the audit log.
import type { AuditRow, DeskGroup, DeskRow, DeskState, ErrorRecord, GroupBy, Help } from '../../index.ts'
import { type Call, commandFor, takeWords, withApp } from '../call.ts'
import { messageAtDesk, readId } from '../each.ts'
import { belowTable, listCommand, nothingText, type PageWords, showList, statesOf } from '../lists.ts'
import { UsageError } from '../output.ts'
import { type Column, count, duration, moment, table } from '../print.ts'

export interface ListWords extends PageWords {
  readonly processor?: string | undefined
  readonly state?: readonly string[] | undefined
  readonly type?: string | undefined
  readonly context?: string | undefined
  readonly group?: number | undefined
}

const states: readonly DeskState[] = ['held', 'deciding', 'trying', 'line', 'handled', 'discarded', 'reset']

/** Shows the messages at the desk, oldest first; default: those that need a person. */
export async function deskList(call: Call, words: ListWords): Promise<number> {
  const { state = ['held'], processor, type, context, group } = words
  const filter = { processor, type, context, group, states: statesOf(state, states) }
  return listCommand(call, words, {
    read: ({ desk }, page) => desk.list({ ...filter, ...page }),
    columns: columns(Date.now()),
    object: listed,
    nothing: nothingText(words, 'no message is held at the desk', 'no message at the desk matches'),
    about: ({ error, help }) => helpText(error?.code, help),
    next: ({ id }) => commandFor(call, 'desk show', String(id)),
  })
}

/** What an error means and what to do, in one line. */
export function helpText(about: string | undefined, help: Help | null): string | undefined {
  if (help === null) return undefined
  return [about === undefined ? help.text : `${about}: ${help.text}`, help.url ?? ''].join(' ').trimEnd()
}

/** Shows the line behind a message, in order. */
export async function deskLine(call: Call, page: PageWords): Promise<number> {
  const [text] = takeWords(call, ['ID'], 1)
  const id = readId(text!, messageAtDesk)
  return withApp(call, async (reached) => {
    await showList(
      reached,
      page,
      {
        read: ({ desk }, { after, limit }) => desk.line(id, { after, limit }),
        columns: columns(Date.now()),
        object: listed,
        nothing: page.after === undefined ? `no message waits behind message ${id}` : 'the line has ended',
        cursorOf: ({ place }) => place,
      },
      call.out,
    )
    return 0
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

/** Describes a state: behind which message it is in line, who works on it, and the action that is done when the app starts. */
function stateText({ state, behind, pending, claim }: DeskRow): string {
  const place = behind === null ? state : `${state} behind ${behind}`
  const where = claim === null ? place : `${place} (${claim.by})`
  return pending === null ? where : `${where} → ${pending.action.do}`
}

/** Makes the JSON of a message at the desk. */
export function listed(row: DeskRow) {
  const { id, processor, state, message, error, attempts, waiting, behind, heldAt, pending, revision, claim } = row
  const { help, owner } = row
  return {
    id,
    processor,
    state,
    type: message.type,
    context: message.context,
    error: error === null ? null : { code: error.code, message: error.message },
    attempts,
    revision,
    waiting,
    ...(behind === null ? {} : { behind }),
    heldAt: new Date(heldAt).toISOString(),
    messageId: message.id,
    correlationId: message.correlationId,
    ...(claim === null ? {} : { claim: { by: claim.by, until: new Date(claim.until).toISOString() } }),
    ...(pending === null ? {} : { pending: pending.action.do }),
    ...(help === null ? {} : { help }),
    ...(owner === null ? {} : { owner }),
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
      for (const { firstAt, lastAt, snooze, note, help, owner, ...group } of groups) {
        const times = { firstAt: iso(firstAt), lastAt: iso(lastAt) }
        const quiet = snooze === null ? {} : { snooze: { ...snooze, until: iso(snooze.until), at: iso(snooze.at) } }
        const noted = note === null ? {} : { note: { ...note, at: iso(note.at) } }
        await out.object({ ...group, ...times, ...quiet, ...noted, ...(help && { help }), ...(owner && { owner }) })
      }
    } else if (groups.length === 0) out.line('no message is held')
    else {
      await out.lines(table(groupColumns(grouping, Date.now(), groups), groups, out.columns))
      const texts = groups.map(({ id, error, type, help }) =>
        helpText(id === null ? (error ?? type)! : `group ${id}`, help),
      )
      const [first] = groups
      const next = first!.id === null ? undefined : commandFor(call, 'desk list', `--group ${first!.id}`)
      await out.lines(belowTable(texts.filter((text) => text !== undefined).slice(0, 10), next, out))
    }
    if (!out.json && groups.length === limit) out.note(`there may be more: --limit ${limit * 10}`)
    return 0
  })
}

const iso = (ms: number) => new Date(ms).toISOString()

function groupColumns(by: GroupBy, nowMs: number, groups: readonly DeskGroup[]): Column<DeskGroup>[] {
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
    ...(groups.some(({ snoozed, note }) => snoozed > 0 || note !== null)
      ? [{ title: 'NOTE', value: groupNote, shrinksTo: 10 }]
      : []),
  ]
}

function groupNote({ held, snoozed, snooze, note }: DeskGroup): string {
  const some = snoozed === 0 || snoozed === held ? '' : `${snoozed} quiet`
  const quiet = snooze === null ? some : `quiet until ${moment(snooze.until)} or ${snooze.orCount} held`
  return [quiet, note?.text ?? ''].filter((text) => text !== '').join('; ') || '-'
}

export interface AuditWords {
  readonly group?: number | undefined
  readonly item?: number | undefined
  readonly refused?: boolean | undefined
  readonly before?: number | undefined
  readonly limit?: number | undefined
}

/** Shows the actions at the desk: who, when, what, why; newest first. */
export async function deskAudit(call: Call, { item, group, refused, before, limit }: AuditWords): Promise<number> {
  return listCommand(
    call,
    { after: before, limit },
    {
      read: ({ desk }, { after, limit }) => desk.audit({ item, group, refused, before: after, limit }),
      columns: auditColumns,
      object: auditObject,
      nothing: item === undefined ? 'the audit log is empty' : `the audit log has no line about message ${item}`,
      more: '--before',
    },
  )
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
