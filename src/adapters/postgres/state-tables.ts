// The tables of the state: requests, time, the desk, flows, gathers, names, with the facets of the store that stand on them.
import { AlertTable } from './alerts.ts'
import { DeskViews } from './desk-reads.ts'
import { DeskTables } from './desk-tables.ts'
import { FinderTable } from './finder.ts'
import { FlowViews } from './flow-reads.ts'
import { FlowTables } from './flows.ts'
import { PostgresGathers } from './gathers.ts'
import { MessageViews } from './message-reads.ts'
import { nameWrites } from './names.ts'
import { RequestTable } from './requests.ts'
import { ScheduleTable } from './schedules.ts'
import type { State, StateNeeds } from './state.ts'
import { timedWrites } from './timed.ts'
import { TimerTable } from './timers.ts'
import { withdraw } from './withdrawn.ts'

export function stateTables({ beside, ids, progress }: StateNeeds): State {
  const timers = new TimerTable(ids)
  const slots = new ScheduleTable(beside)
  const alerts = new AlertTable(beside)
  const desk = new DeskTables(beside, progress)
  const requests = new RequestTable(beside)
  const flows = new FlowTables(beside)
  return {
    facets: {
      desk: desk.desk,
      deskReads: new DeskViews(beside),
      operations: desk.operations,
      pendingActions: desk.pendingActions,
      processors: desk.processors,
      flows,
      flowReads: new FlowViews(beside),
      messageReads: new MessageViews(beside),
      finder: new FinderTable(beside),
      requests,
      schedules: slots,
      alerts,
    },
    timers: timedWrites({ timers, slots, alerts }),
    desk: { write: (db, changes) => desk.write(db, changes), lastNumber: (db) => desk.desk.lastNumber(db) },
    requests,
    flows,
    names: nameWrites,
    gathers: (db) => new PostgresGathers(db, timers),
    async takeBack(db, type, id) {
      const [delayed] = await timers.cancel(db, [{ type, id }])
      if (delayed) return 'delayed'
      const request = await requests.get(db, id)
      if (request?.type !== type || request.endedAt !== null) return undefined
      await withdraw(db, [id])
      return 'request'
    },
  }
}
