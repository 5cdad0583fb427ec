// Writes to a file that no app has, and owns it until it is closed: it opens the store as an app does, with no parts.
import { claimed } from '../../model/claims.ts'
import { checkState } from '../../model/desk.ts'
import { fault } from '../../model/errors.ts'
import { suggest } from '../../model/names.ts'
import { actsRead, staleRevision } from '../../model/repairs.ts'
import type { OfflineWriter } from '../../seam/offline.ts'
import { nodeWorld } from '../node/world.ts'
import { openChecked } from './checked.ts'
import { aloneSince } from './missing-wal.ts'
import { nodeDisk } from './node-disk.ts'
import { nodeDatabase } from './owner.ts'
import { type SqliteLimits, SqliteStore } from './store.ts'

/** The time for which a command waits for a file that another process has for a moment, milliseconds. */
export const writerWaitMs = 3_000

export async function openWriter(path: string, limits: SqliteLimits, waitMs = writerWaitMs): Promise<OfflineWriter> {
  openChecked(path, 'stopped', (db) => db.close())
  const { store, clean } = await openStore(path, limits, waitMs)
  const now = () => Date.now()
  return {
    claims: store.desk.claims,
    access: store.desk.access,
    async addPending(item, action, { revision, ...actor }) {
      const entry = await store.desk.entry(item)
      if (entry === undefined) throw fault('millrace/unknown-item', `there is no message ${item} at the desk`)
      if (revision !== undefined && revision !== entry.revision) {
        throw staleRevision(entry, revision, await store.deskReads.audit({ item, limit: actsRead }))
      }
      const claim = await store.desk.claims.of(item, now())
      if (claim !== undefined && claim.by !== actor.by) throw claimed(item, claim)
      const inLine = entry.state === 'line' && (action.do === 'resubmit' || action.do === 'discard')
      if (!inLine) checkState(entry, action.do === 'take back' ? 'discarded' : 'held')
      await store.pendingActions.add({ item, action, at: now(), ...actor })
    },
    select: (operation, what) => store.operations.select(operation, what),
    run: (operation, how) => store.operations.run(operation, how, now()),
    abort: (operation, actor) => store.operations.abort(operation, actor, now()),
    async pause(processor, state, actor) {
      await checkKnown(store, processor)
      await store.processors[state === 'paused' ? 'pause' : 'resume'](processor, actor, now())
    },
    async setConcurrency(change) {
      await checkKnown(store, change.processor)
      await store.processors.setConcurrency(change, now())
    },
    retire: (processor, destination, actor) => store.processors.retire(processor, destination, actor, now()),
    reset: (reset) => store.processors.reset({ ...reset, at: now() }),
    // A file that its app has left in the middle of something stays marked so, for the next start.
    close: () => store.close(clean ? 'clean' : 'left'),
  }
}

async function checkKnown(store: SqliteStore, processor: string): Promise<void> {
  const known = (await store.progress.rows()).map((row) => row.processor)
  if (known.includes(processor)) return
  throw fault('millrace/unknown-processor', `the file knows no processor "${processor}"${suggest(processor, known)}`)
}

/**
 * Accepts a file that may lack its newest messages. A file that is whole stays untouched.
 *
 * @returns whether there was something to accept
 */
export async function acceptFile(path: string, limits: SqliteLimits): Promise<boolean> {
  const since = openChecked(path, 'stopped', (db) => {
    const found = aloneSince(db, path)
    db.close()
    return found
  })
  if (since === undefined) return false
  const { store } = await openStore(path, limits, writerWaitMs)
  try {
    return await store.accept()
  } finally {
    // A clean stop leaves one file, which may be moved and copied without the files beside it.
    await store.close('clean')
  }
}

async function openStore(path: string, limits: SqliteLimits, waitMs: number) {
  const world = nodeWorld(() => {})
  const store = new SqliteStore({ file: path, world, disk: nodeDisk(), limits, database: nodeDatabase })
  await store.open({ same: () => false, waitMs })
  const { clean } = await store.leases.takeOver([])
  return { store, clean }
}
