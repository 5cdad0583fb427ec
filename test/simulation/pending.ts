// Pending actions: people ask for them while no process runs, and the next process carries them out.
import { DeskViews } from '../../src/adapters/sqlite/desk-reads.ts'
import { Log } from '../../src/adapters/sqlite/log.ts'
import { insertPending } from '../../src/adapters/sqlite/pending-actions.ts'
import { Statements } from '../../src/adapters/sqlite/statements.ts'
import type { DecisionOrTakeBack } from '../../src/model/desk-views.ts'
import { isMillraceError } from '../../src/model/errors.ts'
import type { Watched } from '../../src/testing/machine/watch.ts'
import type { Random } from '../../src/testing/random.ts'

const mostAtOnce = 3

export function addPending(machine: Watched, random: Random): void {
  machine.beside((db) => {
    if (db.prepare("select 1 from sqlite_schema where name = 'millrace_wishes'").get() === undefined) return
    const sql = new Statements(db)
    const items = new DeskViews(sql, new Log(db)).list({ states: ['held', 'discarded'], limit: 1_000 })
    for (let n = 0; n < mostAtOnce && items.length > 0; n++) {
      const { id, state } = random.pick(items)
      const by = `pending ${machine.starts} ${n}`
      try {
        insertPending(sql, {
          item: id,
          action: state === 'held' ? held(random) : { do: 'take back' },
          at: machine.now(),
          by,
        })
      } catch (error) {
        // A pending action about it exists already.
        if (!isMillraceError(error)) throw error
      }
    }
  })
}

function held(random: Random): DecisionOrTakeBack {
  return random.chance(0.5) ? { do: 'retry' } : { do: 'discard', reason: 'written down' }
}
