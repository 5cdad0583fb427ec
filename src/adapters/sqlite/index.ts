import { resolve } from 'node:path'
import { fault } from '../../model/errors.ts'
import { checkOptions, limit } from '../../model/options.ts'
import type { Disk } from '../../seam/disk.ts'
import type { Broker } from '../../seam/store.ts'
import { nodeDisk } from './disk.ts'
import { realFile, sqliteFile } from './file.ts'
import { nodeDatabase } from './owner.ts'
import { type Left, SqliteStore } from './store.ts'

export interface SqliteOptions {
  /** The database file; made when it does not exist, its folder is not. One process uses it at a time. */
  readonly file: string
  /** Statements of one commit function, default 100,000. */
  readonly commitQueriesMax?: number | undefined
  /** Bytes of the -wal file that are not in the database yet above which health is red, default 256 MiB. */
  readonly walBytesMax?: number | undefined
  /** Growth of the -wal file after which it is checkpointed, bytes, default 4 MiB. */
  readonly checkpointBytes?: number | undefined
  /** Free disk below which publishing is refused, bytes, default 64 MiB. */
  readonly diskFreeMinBytes?: number | undefined
  /**
   * Time for which all that writes waits while another program holds the write lock of the file (a shell, a GUI),
   * milliseconds, 0 to 86,400,000, default 5,000. After it, publishing is refused with `millrace/locked`. What handlers
   * have done waits for as long as the lock lasts, and is committed when it is gone. Health is red all that time.
   */
  readonly lockedMs?: number | undefined
}

/**
 * The broker and store in one SQLite file: one process, nothing to install. Power-safe: what was accepted survives a
 * power cut.
 *
 * @throws `millrace/bad-option`, `millrace/unknown-option`
 */
export function sqlite(options: SqliteOptions): Broker {
  return sqliteOn(options, nodeDisk)
}

/**
 * The same on another disk: for tests that lose or refuse what is written.
 *
 * @internal
 */
export function sqliteOn(options: SqliteOptions, disk: () => Disk, database = nodeDatabase): Broker {
  checkOptions('sqlite', options, [
    'file',
    'commitQueriesMax',
    'walBytesMax',
    'checkpointBytes',
    'diskFreeMinBytes',
    'lockedMs',
  ])
  if (typeof options.file !== 'string' || options.file === '') {
    throw fault('millrace/bad-option', 'sqlite: file must be the path of the database')
  }
  const bound = (name: Parameters<typeof limit>[1]) =>
    limit('sqlite', name, (options as unknown as Record<string, unknown>)[name])
  const limits = {
    queriesMax: bound('commitQueriesMax'),
    turnsMax: limit('sqlite', 'commitTurnsMax', undefined),
    functionsMax: limit('sqlite', 'flushFunctionsMax', undefined),
    flushMs: limit('sqlite', 'flushMs', undefined),
    walBytesMax: bound('walBytesMax'),
    checkpointBytes: bound('checkpointBytes'),
    diskFreeMinBytes: bound('diskFreeMinBytes'),
    lockedMs: bound('lockedMs'),
  }
  const file = resolve(options.file)
  const left: Left = { files: [] }
  return {
    name: 'sqlite',
    where: file,
    create: (world) => new SqliteStore(realFile(file), world, disk(), limits, database, file, left),
    file: sqliteFile(file, limits),
  }
}
