// Reads of the log beside the work of the app: what the reader has found is given when it is durable.
import type { MessageReads } from '../../seam/message-reads.ts'
import type { Beside } from './beside-commits.ts'
import type { Disk } from './disk.ts'

export function messageReadsOf(disk: Pick<Disk, 'read'>, beside: Pick<Beside, 'durable'>): MessageReads {
  const ask = async <T>(read: keyof MessageReads, given?: unknown): Promise<T> => {
    const found = await disk.read<T>({ read, given })
    return beside.durable(() => found)
  }
  return {
    names: () => ask('names'),
    spans: (filter) => ask('spans', filter),
    slice: (asked) => ask('slice', asked),
    withId: (id) => ask('withId', id),
    outcomes: (place) => ask('outcomes', place),
  }
}
