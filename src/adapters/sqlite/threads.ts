/** Where the code of threads is; in what is built, the code itself, as for the others: see adapters/node/threads.ts. */
export const threads = {
  sync: new URL('./sync-thread.ts', import.meta.url),
  maintenance: new URL('./maintenance-thread.ts', import.meta.url),
  reader: new URL('./reader-thread.ts', import.meta.url),
  backup: new URL('./backup-thread.ts', import.meta.url),
}
