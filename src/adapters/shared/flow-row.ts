// A row of a flow: one table of columns makes the insert of a new flow and every select, and here is what they mean.
import type { Stored } from '../../model/codec.ts'
import type { FlowState } from '../../model/flow.ts'
import type { FlowRow } from '../../model/flow-views.ts'
import { lengthOf } from '../../model/page.ts'

export interface FlowColumn {
  readonly name: string
  /** Its name in a row that is read, where that is another one. */
  readonly as?: string | undefined
  /** Its value in the row of a new flow; undefined for a column that a new flow leaves null. */
  readonly value?: ((row: FlowRow) => string | number | null) | undefined
}

export const flowColumns: readonly FlowColumn[] = [
  { name: 'id', value: ({ id }) => id },
  { name: 'mediator', value: ({ mediator }) => mediator },
  { name: 'version', value: ({ version }) => version },
  { name: 'context', value: ({ context }) => context },
  { name: 'state', value: ({ state }) => state },
  { name: 'message', value: ({ message }) => messageJson(message) },
  { name: 'once', value: ({ once }) => once },
  { name: 'parent_flow', as: 'parentFlow', value: ({ parent }) => parent?.flow ?? null },
  { name: 'parent_n', as: 'parentN', value: ({ parent }) => parent?.n ?? null },
  { name: 'rerun_of', as: 'rerunOf', value: ({ rerunOf }) => rerunOf },
  { name: 'continues', value: ({ continues }) => continues },
  {
    name: 'mail_after',
    as: 'mailAfter',
    value: ({ mailAfter }) => (mailAfter === null ? null : JSON.stringify(mailAfter)),
  },
  { name: 'error' },
  { name: 'result' },
  { name: 'started_at', as: 'startedAt', value: ({ startedAt }) => startedAt },
  { name: 'ended_at', as: 'endedAt' },
]

export interface FlowTableRow extends Omit<FlowRow, 'message' | 'error' | 'result' | 'parent' | 'mailAfter'> {
  readonly mailAfter: string | null
  readonly message: string
  readonly error: string | null
  readonly result: string | null
  readonly parentFlow: number | null
  readonly parentN: number | null
}

/** Puts a flow together from its row. */
export function flowOf({ message, error, result, parentFlow, parentN, mailAfter, ...row }: FlowTableRow): FlowRow {
  return {
    ...row,
    mailAfter: mailAfter === null ? null : JSON.parse(mailAfter),
    state: row.state as FlowState,
    message: messageOf(message),
    parent: parentFlow === null ? null : { flow: parentFlow, n: parentN! },
    error: error === null ? null : JSON.parse(error),
    result: result === null ? undefined : JSON.parse(result),
  }
}

/** A message as text, as rows of flows and of mail hold it. */
export function messageJson({ decoded: _, plain: _plain, ...message }: Stored): string {
  return JSON.stringify(message)
}

/** Reads a message; before format 14 its place in a trace had the name `traceparent`. */
export function messageOf(json: string): Stored {
  const { traceparent: trace = null, ...message } = JSON.parse(json)
  return { asked: undefined, attributes: null, trace, ...message, decoded: undefined }
}

/** The size of a row, as its texts make it. */
export const flowSize = ({ message, error, result, mailAfter }: FlowTableRow): number =>
  lengthOf(message, error, result, mailAfter)
