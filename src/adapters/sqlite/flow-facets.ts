// Flows as the engine has them: its reads, as facets of promises, and the answer to what it writes. Each call reads in one
// turn.
import type { FlowsFound } from '../../seam/flow-take-up.ts'
import type { FlowChange, FlowStore, FlowsWritten, StepEnded } from '../../seam/flows.ts'
import { FlowTables } from './flows.ts'

const unchanged: FlowsWritten = { ended: [], nextDue: undefined }

export class SqliteFlows extends FlowTables {
  readonly facets: FlowStore = {
    rows: {
      row: async (id) => this.row(id),
      stateOf: async (id) => this.stateOf(id),
      journal: async (id) => this.journal(id),
      startedBy: async (parent) => this.startedBy(parent),
      hasOnce: async (mediator, once) => this.hasOnce(mediator, once),
      next: async (mediator, context) => this.next(mediator, context),
      hasEnd: async (flow, n) => this.hasEnd(flow, n),
      forget: (endedBeforeMs) => this.forget(endedBeforeMs),
    },
    times: {
      due: async (now, limit) => this.due(now, limit),
      asleep: async (after, limit) => this.asleep(after, limit),
    },
    mail: {
      underWay: async (mediator, context, after, limit) => this.underWay(mediator, context, after, limit),
      next: async (mediator, context, type, after) => this.nextMail(mediator, context, type, after),
      forget: (after, beforeMs) => this.forgetMails(after, beforeMs),
    },
    takeUp: {
      underWayByMediator: async (but) => this.underWayByMediator(but),
      underWay: async (mediator, after, limit) => this.takeUp(mediator, after, limit),
      waiting: async (mediator, after, limit) => this.waiting(mediator, after, limit),
      withdrawn: async (after, limit) => this.withdrawn(after, limit),
    },
  }

  /** What a take-over finds. */
  found(): FlowsFound {
    const last = this.sql.one<{ seq: number }>("select seq from sqlite_sequence where name = 'millrace_flows'")
    return {
      last: { flow: last?.seq ?? 0, entry: this.entries.highest, mail: this.mails.highest },
      nextDue: this.nextDue(),
    }
  }

  /** Writes the changes of one transaction. */
  write(changes: readonly FlowChange[]): FlowsWritten {
    this.timesChanged = false
    let ended: boolean[] | undefined
    for (const change of changes) {
      if (change.do === 'ended') {
        ended ??= []
        ended.push(this.end(change))
      } else this.apply(change)
    }
    const nextDue = this.timesChanged ? this.nextDue() : undefined
    return ended === undefined && nextDue === undefined ? unchanged : { ended: ended ?? [], nextDue }
  }

  /** A step has ended in the transaction of somebody else. Gives whether its flow exists. */
  private end({ flow, entry }: StepEnded): boolean {
    if (this.sql.one('select 1 from millrace_flows where id = ?', flow) === undefined) return false
    this.enter(flow, entry)
    this.untimer(flow, entry.of!)
    return true
  }

  private nextDue(): number | null {
    const sql = 'select due from millrace_flow_timers where due >= 0 order by due limit 1'
    return this.sql.one<{ due: number }>(sql)?.due ?? null
  }
}
