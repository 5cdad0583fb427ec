// What a start finds of flows: those under way, the first of those that are queued, and withdrawn commands.
import type { FlowsUnderWay } from '../../model/flow-views.ts'
import type { FlowTakeUp, UnderWay, WaitingFlow } from '../../seam/flow-take-up.ts'
import { waitsOf } from './journal.ts'
import { firstMail } from './mail.ts'
import type { Beside, SqlValue, Statements } from './statements.ts'
import { withdrawnIn } from './withdrawn.ts'

interface Row {
  readonly id: number
  readonly context: string | null
  readonly unfinished: boolean
  readonly mail: boolean
}

const isOpen = "ended_at is null and state <> 'queued'"
const isQueued = "state = 'queued'"

/** Each mediator with flows in an index, by one step in it each. */
const mediators = (name: string, which: string) => `${name} as (
    (select mediator from millrace.flows where ${which} order by mediator limit 1)
    union all
    select n.mediator from ${name} cross join lateral (select mediator from millrace.flows
      where ${which} and mediator > ${name}.mediator order by mediator limit 1) n)`
const count = (which: string) => `(select count(*) from millrace.flows f where f.mediator = m.mediator and ${which})`
const byMediatorText = `with recursive ${mediators('open', isOpen)}, ${mediators('queued', isQueued)}
  select m.mediator, ${count(isOpen)} + ${count(isQueued)} as flows
  from (select mediator from open union select mediator from queued) m
  where m.mediator <> all($1::text[]) order by m.mediator`
const sliceText = (where: string) => `select id, context,
    state = 'compensating' or (state = 'running' and (
      select of_n is not null or kind not in ('call', 'wait', 'sleep', 'ask', 'flow') from millrace.journal
      where flow = f.id order by n desc limit 1) is distinct from false) as unfinished,
    state = 'running' and exists (
      select 1 from millrace.mail m where m.mediator = f.mediator and m.context = f.context) as mail
  from millrace.flows f where mediator = $1 and ${isOpen} and ${where} limit $2`
const waitingText = `with recursive w as (
    (select context, id from millrace.flows where mediator = $1 and ${isQueued} and context > $2 order by context, id limit 1)
    union all
    select n.context, n.id from w cross join lateral (select context, id from millrace.flows
      where mediator = $1 and ${isQueued} and context > w.context order by context, id limit 1) n)
  select context, id from w limit $3`

export class FlowTakeUpReads implements FlowTakeUp {
  private readonly beside: Beside

  constructor(beside: Beside) {
    this.beside = beside
  }

  underWayByMediator(but: readonly string[]): Promise<FlowsUnderWay[]> {
    return this.beside.read((db) => db.all<FlowsUnderWay>(byMediatorText, [but]))
  }

  underWay(mediator: string, after: UnderWay | undefined, limit: number): Promise<UnderWay[]> {
    return this.beside.read(async (db) => {
      // Flows without a context come first; each context to its end before the next.
      const rest =
        after === undefined || after.context === null
          ? await slice(db, 'context is null and id > $3 order by id', [mediator, limit, after?.id ?? 0])
          : await slice(db, 'context = $3 and id > $4 order by id', [mediator, limit, after.context, after.id])
      if (rest.length > 0) return rest
      return slice(db, 'context > $3 order by context, id', [mediator, limit, after?.context ?? ''])
    })
  }

  waiting(mediator: string, after: string, limit: number): Promise<WaitingFlow[]> {
    return this.beside.read((db) => db.all<WaitingFlow>(waitingText, [mediator, after, limit]))
  }

  withdrawn(after: string, limit: number): Promise<string[]> {
    return this.beside.read((db) => withdrawnIn(db, after, limit))
  }
}

async function slice(db: Statements, where: string, values: readonly SqlValue[]): Promise<UnderWay[]> {
  const mediator = String(values[0])
  const rows = await db.all<Row>(sliceText(where), values)
  const found: UnderWay[] = []
  for (const { id, context, unfinished, mail } of rows) {
    found.push({ id, context, unfinished: unfinished || (mail && (await hasMail(db, mediator, id, context!))) })
  }
  return found
}

/** Whether there is mail that a flow waits for and has not had. */
async function hasMail(db: Statements, mediator: string, flow: number, context: string): Promise<boolean> {
  for (const { type, had } of await waitsOf(db, flow)) {
    if ((await firstMail(db, { mediator, context }, type, had)) !== undefined) return true
  }
  return false
}
