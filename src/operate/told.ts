// What the code of an app tells people about what is at its desk: help, and who answers for the processor.
import type { DeskGroup, DeskItem, DeskRow, KeptGroup, KeptItem, KeptRow } from '../model/desk-views.ts'
import type { ErrorRecord } from '../model/error-record.ts'
import { type Help, type HelpTable, helpFor, helpForGroup } from '../model/help.ts'
import type { Part } from '../parts/part.ts'
import { processorsOf } from '../parts/processors.ts'

/** Adds to rows of the store what the parts of an app say about them. */
export interface Telling {
  row(row: KeptRow): DeskRow
  item(item: KeptItem): DeskItem
  group(group: KeptGroup): DeskGroup
}

const stackMax = 200

/** An error as a list has it: its stacks end with their first line. One item has them whole. */
function inBrief(error: ErrorRecord): ErrorRecord {
  const { stack, cause, errors, lost = [] } = error
  const [first = ''] = stack?.split('\n', 1) ?? []
  const shown = first.slice(0, stackMax)
  return {
    ...error,
    ...(stack === undefined || shown === stack
      ? {}
      : { stack: shown, lost: [...new Set([...lost, 'stack' as const])] }),
    ...(cause === undefined ? {} : { cause: inBrief(cause) }),
    ...(errors === undefined ? {} : { errors: errors.map(inBrief) }),
  }
}

/** `parts` are empty where the code of the app is not known: nothing is told. `version` is that of the code. */
export function tellingOf(parts: readonly Part[], version?: string): Telling {
  const ofType = new Map<string, HelpTable>()
  const tables: HelpTable[] = []
  for (const part of parts) {
    if (part.kind !== 'desk') continue
    tables.push(part.help)
    for (const { name } of part.on.types) ofType.set(name, part.help)
  }
  const owners = new Map(processorsOf(parts).map(({ name, owner }) => [name, owner ?? null]))
  const trials = new Map(processorsOf(parts).map(({ name, trial }) => [name, trial === true]))
  const told = (row: KeptRow): Omit<DeskRow, keyof KeptRow> => {
    const { type } = row.message
    const table = ofType.get(type)
    return {
      help: table === undefined ? null : helpFor(table, type, row.error),
      owner: owners.get(row.processor) ?? null,
      trial: trials.get(row.processor) ?? (parts.length === 0 ? null : false),
      codeThen: row.tries.at(-1)?.version ?? null,
      codeNow: version ?? null,
    }
  }
  const row = (one: KeptRow): DeskRow => ({ ...one, error: one.error && inBrief(one.error), ...told(one) })
  const helpOf = ({ type, error }: KeptGroup): Help | null => {
    const own = type === null ? undefined : ofType.get(type)
    if (type !== null) return (own && ((error && helpForGroup(own, error)) || helpFor(own, type, null))) ?? null
    if (error === null) return null
    // Of several desks that say different things none is right.
    const said = new Set(tables.flatMap((table) => helpForGroup(table, error) ?? []))
    return said.size === 1 ? [...said][0]! : null
  }
  return {
    row,
    item: ({ line, ...item }) => ({ ...item, ...told(item), line: line.map(row) }),
    group: (group) => ({
      ...group,
      help: helpOf(group),
      owner: group.processor === null ? null : (owners.get(group.processor) ?? null),
    }),
  }
}
