// A row of an operation.
import type { ChangeList } from '../../model/change.ts'
import type { Operation } from '../../model/desk-views.ts'

type Plain = 'id' | 'name' | 'action' | 'state' | 'total' | 'done' | 'refused' | 'lanes' | 'failures'

export interface OperationRow extends Pick<Operation, Plain> {
  readonly who: string
  readonly why: string | null
  readonly change: string | null
  readonly one_first: number
  readonly per_second: number | null
  readonly stop_after: number | null
  readonly next_at: number | null
  readonly expires_at: number | null
  readonly started_at: number
  readonly ended_at: number | null
}

/** What limits an operation, for the audit log. */
export function paceOf({ perSecond, stopAfter, state }: Operation): object {
  return {
    ...(state === 'prepared' ? { prepared: true } : {}),
    ...(perSecond === null ? {} : { perSecond }),
    ...(stopAfter === null ? {} : { stopAfter }),
  }
}

/** Puts an operation together from its row. */
export function operationOf(row: OperationRow): Operation {
  const { who, why, change, one_first, per_second, stop_after, next_at, expires_at, started_at, ended_at, ...rest } =
    row
  return {
    ...rest,
    by: who,
    reason: why,
    change: change === null ? null : (JSON.parse(change) as ChangeList),
    oneFirst: one_first === 1,
    perSecond: per_second,
    stopAfter: stop_after,
    nextAt: next_at,
    expiresAt: expires_at,
    startedAt: started_at,
    endedAt: ended_at,
  }
}
