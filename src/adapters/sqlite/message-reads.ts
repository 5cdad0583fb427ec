// Reads of the log beside the work of the app: what the reader has found is given when it is durable.
import type { FinderStore } from '../../seam/finder.ts'
import type { MessageReads } from '../../seam/message-reads.ts'
import type { Beside } from './beside-commits.ts'
import type { Disk } from './disk.ts'

export function messageReadsOf(disk: Pick<Disk, 'read'>, beside: Pick<Beside, 'durable'>): MessageReads {
  const ask = async <T>(read: keyof MessageReads, given?: unknown): Promise<T> => {
    const found = await disk.read<T>({ of: 'messages', read, given })
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

/** The index of the finder. It shows places only, whose messages are read by `MessageReads`. */
export function finderOf(disk: Pick<Disk, 'read'>): FinderStore {
  const ask = <T>(read: keyof FinderStore, given: unknown): Promise<T> => disk.read({ of: 'finder', read, given })
  return {
    index: (asked) => ask('index', asked),
    search: (asked) => ask('search', asked),
    related: (asked) => ask('related', asked),
  }
}
