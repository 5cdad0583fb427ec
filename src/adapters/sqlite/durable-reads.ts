// Reads that show only what is durable: as promises, by one wrapper for a whole facet.
import type { Beside } from './beside-commits.ts'

/** A facet whose promises are answered at once. */
export type AtOnce<Facet> = {
  [Name in keyof Facet]: Facet[Name] extends (...given: infer Given) => Promise<infer Answer>
    ? (...given: Given) => Answer
    : never
}

/** The facet as promises: each method runs in one turn, when all that it may show is durable. */
export function durableReads<Facet extends object>(reads: AtOnce<Facet>, beside: Pick<Beside, 'durable'>): Facet {
  return new Proxy(reads, {
    get(target, name) {
      const read: unknown = Reflect.get(target, name)
      return typeof read === 'function'
        ? (...given: unknown[]) => beside.durable(() => read.apply(target, given))
        : read
    },
  }) as unknown as Facet
}

/** How the tables of a file are read that no app has open: all of it is durable, and nothing is written. */
export const readsOnly: Beside = {
  write: () => Promise.reject(new Error('this file is read, not written')),
  wrote: () => {},
  sync: () => Promise.resolve(),
  durable: async (read) => read(),
}
