import { move as moveAll, movesOf } from '../../operate/move.ts'
import { brokerAt } from '../broker-at.ts'
import { type Call, takeWords } from '../call.ts'
import { UsageError } from '../output.ts'
import { safe } from '../print.ts'

export interface MoveWords {
  readonly from?: string | undefined
  readonly to?: string | undefined
  readonly back?: boolean | undefined
  readonly here?: boolean | undefined
}

/** Rows between two lines about how far a move is. */
const toldRows = 100_000

/** Moves all data of a stopped app from one store to another; or lets an app start where a move forbids it. */
export async function move(call: Call, { from, to, back = false, here = false }: MoveWords): Promise<number> {
  takeWords(call, [], 0)
  const { db } = call
  if (back || here) {
    if (db === undefined || from !== undefined || to !== undefined || (back && here)) throw new UsageError(wrong)
    await (back ? takeBack(call, db) : settle(call, db))
    return 0
  }
  if (db !== undefined || from === undefined || to === undefined) throw new UsageError(wrong)
  await between(call, from, to)
  return 0
}

const wrong = 'name --from STORE and --to STORE, or --db STORE with --back or --here'

async function between({ out }: Call, from: string, to: string): Promise<void> {
  const [source, target] = [await brokerAt(from), await brokerAt(to)]
  let rows = 0
  const moved = await moveAll(source, target, (table, count) => {
    const before = rows
    rows += count
    if (Math.floor(before / toldRows) < Math.floor(rows / toldRows)) out.note(`${rows} rows are copied, now ${table}`)
  })
  if (out.json) {
    out.object({ from: source.where, to: target.where, rows: moved })
    return
  }
  const facts = `${moved.log} messages, ${moved.desk} at the desk, ${moved.flows} flows, ${moved.timers} delayed`
  out.line(safe(`${source.where} has moved to ${target.where}: ${facts}`))
  out.note('the tables of your own have not moved; start the app on the new store when they are there')
}

async function takeBack({ out }: Call, db: string): Promise<void> {
  const store = await brokerAt(db)
  const to = await movesOf(store).takeBack()
  if (out.json) out.object({ store: store.where, movedTo: to ?? null })
  else if (to === undefined) out.line(safe(`the data of ${store.where} have not moved`))
  else out.line(safe(`apps start on ${store.where} again; do not start one on ${to}`))
}

async function settle({ out }: Call, db: string): Promise<void> {
  const store = await brokerAt(db)
  const { settle } = movesOf(store)
  if (settle === undefined) throw new UsageError(`${store.where} belongs to no server`)
  const settled = await settle()
  if (out.json) out.object({ store: store.where, settled })
  else if (!settled) out.line(safe(`${store.where} is where it was written: nothing is changed`))
  else out.line(safe(`apps start on ${store.where} again; do not start one on the database that it is a copy of`))
}
