// The store of an app as commands reach it.
import { fault } from '../model/errors.ts'
import type { Offline, StoreCopies } from '../seam/offline.ts'
import type { Broker } from '../seam/store.ts'

/** @throws `millrace/no-file` for a broker whose store only its app can use */
export function offlineOf(app: string, { name, offline }: Broker): Offline {
  if (offline !== undefined) return offline
  throw fault('millrace/no-file', `the broker of app "${app}" (${name}) is no file`)
}

/** @throws `millrace/no-file` for a store that is not kept in files */
export function copiesOf({ where, copies }: Offline): StoreCopies {
  if (copies !== undefined) return copies
  throw fault('millrace/no-file', `${where} is no file`)
}
