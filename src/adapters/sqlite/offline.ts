// A database without an app, or beside one that runs.
import { existsSync } from 'node:fs'
import type { Offline } from '../../seam/offline.ts'
import { openChecked, realFile } from './checked.ts'
import { copiesOf } from './copies.ts'
import { factsOf } from './facts.ts'
import { SqliteReader } from './offline-reader.ts'
import { acceptFile, openWriter } from './offline-writer.ts'
import { ownerOf } from './owner.ts'
import type { SqliteLimits } from './store.ts'

/** @param named the path of the file, which may be a link to it */
export function sqliteOffline(named: string, limits: SqliteLimits): Offline {
  const real = () => realFile(named)
  return {
    get where() {
      return real()
    },
    get controlPath() {
      return real()
    },
    copies: copiesOf(named, limits.diskFreeMinBytes),
    exists: async () => existsSync(named),
    owner: async () => ownerOf(real()),
    read: async (app) => openChecked(real(), app, (db) => new SqliteReader(db, real())),
    write: ({ waitMs } = {}) => openWriter(real(), limits, waitMs),
    async examine({ app, full }) {
      const path = real()
      return openChecked(path, app, (db) => {
        const facts = factsOf(db, path, limits, { full })
        db.close()
        return facts
      })
    },
    accept: () => acceptFile(real(), limits),
  }
}
