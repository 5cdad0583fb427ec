// Copies of a file, and what puts one in the place of the file.
import { existsSync, lstatSync, readlinkSync, realpathSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { fault } from '../../model/errors.ts'
import type { AppState, Restored, StoreCopies } from '../../seam/offline.ts'
import { nodeWorld } from '../node/world.ts'
import { openChecked, realFile } from './checked.ts'
import { checkRoom, copy } from './copy.ts'
import { damageOf, tablesOf } from './damage.ts'
import { openFault } from './errors.ts'
import { type Kind, kindOf } from './file-kind.ts'
import { checkPlace } from './file-place.ts'
import { aloneSince, newestTime } from './missing-wal.ts'
import { writerWaitMs } from './offline-writer.ts'
import { nodeDatabase, type Owned, ownerOf, takeOwnership } from './owner.ts'
import { openReading } from './reading.ts'
import { finishRestore, prepareRestore } from './restore.ts'
import { checkWal } from './wal.ts'

/** @param named the path of the file, which may be a link to it */
export function copiesOf(named: string, freeBytesMin: number): StoreCopies {
  return {
    async copyTo(to, { app, signal }) {
      const file = realFile(named)
      if (isOthers(file, app)) return await copy({ file, to, app: 'none', freeBytesMin, signal })
      openChecked(file, app, (db) => db.close(), 1)
      const owned = app === 'running' ? undefined : await own(file)
      try {
        return await copy({ file, to, app, freeBytesMin, signal })
      } finally {
        owned?.release()
      }
    },
    restore: (from) => restore(realFile(resolve(from)), targetOf(named), freeBytesMin),
  }
}

/** Whether it is a database of another program, which no app has taken up. */
const isOthers = (file: string, app: AppState) => app === 'stopped' && kindIn(file) === 'foreign'

/** Whose the database is; undefined where it cannot be read. */
function kindIn(file: string): Kind | undefined {
  if (!existsSync(file)) return undefined
  let db: DatabaseSync | undefined
  try {
    db = openReading(file, 'stopped')
    return kindOf(db)
  } catch {
    return undefined
  } finally {
    db?.close()
  }
}

async function restore(from: string, file: string, freeBytesMin: number): Promise<Restored> {
  const app = ownerOf(from) !== undefined ? 'running' : isFromBefore(from, file) ? 'none' : 'stopped'
  const { damage, ...facts } = app === 'none' ? lookAtOthers(from) : lookAtCopy(from, app)
  if (damage.length > 0) throw fault('millrace/corrupt-file', `${from} is damaged: ${damage[0]}`)
  if (from === realFile(file)) throw fault('millrace/restore-failed', `${from} is the file itself, not a copy of it`)
  const owned = await own(file, () => {})
  try {
    const before = finishRestore(file)
    checkRoom(from, file, freeBytesMin)
    await prepareRestore(file, from, app)
    const aside = [...before, ...finishRestore(file)]
    return { bytes: statSync(file).size, aside, ...facts }
  } finally {
    owned.release()
  }
}

function lookAtCopy(from: string, app: AppState) {
  return openChecked(
    from,
    app,
    (db) => {
      const damage = tablesOf(db).flatMap((table) => damageOf(db, table, 'quick_check'))
      const facts = { newest: newestTime(db), whole: aloneSince(db, from) === undefined, damage }
      db.close()
      return facts
    },
    1,
  )
}

/** Whether a copy may be from before an app took up the database: it is of another program, and the file was taken up. */
const isFromBefore = (copy: string, file: string) => isOthers(copy, 'stopped') && kindIn(file) === 'taken up'

/** A copy from before has no messages that could be missing. */
function lookAtOthers(from: string) {
  checkWal(from)
  const db = openReading(from, 'stopped')
  try {
    return { newest: 0, whole: true, damage: tablesOf(db).flatMap((table) => damageOf(db, table, 'quick_check')) }
  } catch (error) {
    throw openFault(from, error)
  } finally {
    db.close()
  }
}

/** Follows a link, also while nothing is at its end because a restore was cut off. */
function targetOf(named: string): string {
  if (existsSync(named)) return realpathSync(named)
  const target = lstatSync(named, { throwIfNoEntry: false })?.isSymbolicLink() ? readlinkSync(named) : named
  return resolve(dirname(named), target)
}

/** Takes a file; `check` looks at it before. */
async function own(path: string, check = () => checkPlace(path)): Promise<Owned> {
  try {
    const world = nodeWorld(() => {})
    return await takeOwnership({ file: path, world, database: nodeDatabase, waitMs: writerWaitMs, check })
  } catch (error) {
    throw openFault(path, error)
  }
}
