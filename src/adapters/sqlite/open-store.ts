// The parts of a store that live as long as its file is open.
import { inBrief } from '../../model/people.ts'
import type { SameData } from '../../seam/ids.ts'
import type { World } from '../../seam/world.ts'
import { BesideCommits } from './beside-commits.ts'
import { type CommitNeeds, SqliteCommit } from './commit.ts'
import { Connection, type Opening } from './connection.ts'
import { misplacedFault } from './errors.ts'
import type { FilesInPlace } from './in-place.ts'
import { SqliteTables, type TablesOf } from './tables.ts'

export interface OpenStore {
  readonly connection: Connection
  readonly beside: BesideCommits
  readonly tables: SqliteTables
  readonly commits: SqliteCommit
}

/** The parts that live longer than one opening. */
type Shared = Omit<CommitNeeds, 'connection' | 'tables'> & Pick<TablesOf, 'disk'>

export function openStore(opening: Opening, same: SameData, shared: Shared): OpenStore {
  const connection = new Connection(opening)
  try {
    const beside = new BesideCommits({ ...shared, connection })
    const tables = new SqliteTables({ ...shared, connection }, same, beside)
    return { connection, beside, tables, commits: new SqliteCommit({ ...shared, connection, tables }) }
  } catch (error) {
    connection.close('left')
    throw error
  }
}

/**
 * Marks the file as stopped cleanly, unless other files are in its place: these stay as they are.
 *
 * @returns whether the file is marked
 */
export async function sayGoodbye(
  { connection, beside }: OpenStore,
  files: FilesInPlace,
  { file, world }: { readonly file: string; readonly world: World },
): Promise<boolean> {
  const isReplaced = () => {
    const why = files.misplaced()
    if (why !== undefined) world.log('error', misplacedFault(why).message, { file })
    return why !== undefined
  }
  if (isReplaced()) return false
  try {
    await beside.write(() => connection.db.exec("insert or replace into millrace_meta values ('clean', 1)"))
    if (isReplaced()) return false
    connection.empty()
    return true
  } catch (error) {
    // All that was accepted is in the files; the next start takes more care, and finds the -wal file.
    world.log('warn', 'the store was closed without a clean mark', { file, error: inBrief(error) })
    return false
  }
}
