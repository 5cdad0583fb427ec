// What of the log has been numbered: all that was visible at one moment, as the server tells it.
//
// A transaction is numbered when it is below `xmax` and not in `open`. Those in `open` were under way; each that has
// ended since is found by its number. So a transaction that lasts for minutes costs one number in a list.

/** Numbers of transactions, without an offset. */
export interface Snapshot {
  readonly xmax: number
  readonly open: readonly number[]
}

/**
 * Reads a snapshot as the server writes it: `xmin:xmax:open,open`.
 *
 * @param own the transaction that took it, which has numbered its own messages too; undefined where it has written nothing
 */
export function snapshotOf(text: string, own?: number | null): Snapshot {
  const [, end, list = ''] = text.split(':')
  const xmax = Number(end)
  const open = list === '' ? [] : list.split(',').map(Number)
  if (own === undefined || own === null || own < xmax) return { xmax, open }
  // Those that have begun since, up to its own: the snapshot shows none of them.
  for (let xid = xmax; xid < own; xid++) open.push(xid)
  return { xmax: own + 1, open }
}

/** As the server reads it. */
export function snapshotText({ xmax, open }: Snapshot): string {
  return `${Math.min(xmax, ...open)}:${xmax}:${open.join(',')}`
}
