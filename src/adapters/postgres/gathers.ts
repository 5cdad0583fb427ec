// Open batches of gathers. A busy batch changes with each message: its row is not updated, but replaced by one with a higher
// number, so that the newest is found first, however many dead ones somebody's long transaction keeps.
import type { GatheredElement, GatherGroup, GatherPlace, GatherTables } from '../../seam/gathers.ts'
import { slotOf } from './messages.ts'
import { one, type Statements } from './statements.ts'
import type { TimerTable } from './timers.ts'

const findText = `select n, count, bytes, armed, timer, condition from millrace.gathers
  where gather = $1 and context = $2 order by n desc limit 1`
const putText = `insert into millrace.gathers (gather, context, slot, count, bytes, armed, timer, condition)
  values ($1, $2, $3, $4, $5, $6, $7, $8) returning n`
const removeText = 'delete from millrace.gathers where gather = $1 and context = $2'
const addText = 'insert into millrace.gathered (gather, context, type, version, data) values ($1, $2, $3, $4, $5)'
const elementsText = `select type, version, data as json from millrace.gathered
  where gather = $1 and context = $2 order by place`
const oldestText = `delete from millrace.gathered where gather = $1 and context = $2 and place <= (
    select place from millrace.gathered where gather = $1 and context = $2 order by place desc limit 1 offset $3)`
const clearText = 'delete from millrace.gathered where gather = $1 and context = $2'

/** Open batches, in the transaction of a function. */
export class PostgresGathers implements GatherTables {
  private readonly db: Statements
  private readonly timers: Pick<TimerTable, 'cancel'>
  /** The numbers of the rows that were read or written; undefined where there is none. */
  private readonly known = new Map<string, number | undefined>()

  constructor(db: Statements, timers: Pick<TimerTable, 'cancel'>) {
    this.db = db
    this.timers = timers
  }

  async group(place: GatherPlace): Promise<GatherGroup | undefined> {
    const row = await one<GatherGroup & { readonly n: number }>(this.db, findText, at(place))
    this.known.set(keyOf(place), row?.n)
    if (row === undefined) return undefined
    const { n: _, ...group } = row
    return group
  }

  async save(place: GatherPlace, group: GatherGroup | undefined): Promise<void> {
    const gone = this.remove(place)
    this.known.set(keyOf(place), undefined)
    if (group !== undefined) {
      const { gather, context } = place
      const { count, bytes, armed, timer, condition } = group
      const slot = slotOf({ context: context === '' ? null : context, id: gather })
      const values = [gather, context, slot, count, bytes, armed, timer, condition]
      const [row] = await Promise.all([one<{ n: number }>(this.db, putText, values), gone])
      this.known.set(keyOf(place), row!.n)
    }
    await gone
  }

  async add({ gather, context }: GatherPlace, { type, version, json }: GatheredElement): Promise<void> {
    await this.db.run(addText, [gather, context, type, version, json])
  }

  elements(place: GatherPlace): Promise<GatheredElement[]> {
    return this.db.all<GatheredElement>(elementsText, at(place))
  }

  async keepNewest(place: GatherPlace, keep: number): Promise<void> {
    await this.db.run(oldestText, [...at(place), keep])
  }

  async clear(place: GatherPlace): Promise<void> {
    await this.db.run(clearText, at(place))
  }

  async cancel(type: string, id: string): Promise<void> {
    await this.timers.cancel(this.db, [{ type, id }])
  }

  /** Removes the row that was read; where none was read, all that there may be. */
  private async remove(place: GatherPlace): Promise<void> {
    const key = keyOf(place)
    if (!this.known.has(key)) await this.db.run(removeText, at(place))
    else if (this.known.get(key) !== undefined) {
      await this.db.run(`${removeText} and n = $3`, [...at(place), this.known.get(key)!])
    }
  }
}

const at = ({ gather, context }: GatherPlace): [gather: string, context: string] => [gather, context]
const keyOf = ({ gather, context }: GatherPlace): string => JSON.stringify([gather, context])
