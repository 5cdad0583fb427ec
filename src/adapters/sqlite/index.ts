import { resolve } from 'node:path'
import { fault } from '../../model/errors.ts'
import { checkOptions, limit } from '../../model/options.ts'
import type { Tx } from '../../model/tx.ts'
import type { Broker } from '../../seam/store.ts'
import { realFile } from './checked.ts'
import { Client } from './client.ts'
import type { SqliteClient } from './client-shape.ts'
import type { Disk } from './disk.ts'
import type { Left } from './in-place.ts'
import { sqliteMoves } from './moves.ts'
import { nodeDisk } from './node-disk.ts'
import { sqliteOffline } from './offline.ts'
import { nodeDatabase } from './owner.ts'
import { SqliteStore } from './store.ts'

/** Options of {@link sqlite}. */
export interface SqliteOptions {
  /**
   * The path of the database file, relative to the working folder. The file is made when it does not exist; its folder
   * is not. One process uses it at a time.
   */
  readonly file: string
  /**
   * Whether to take up a database that has tables of its own: its journal mode becomes WAL, and the tables of Millrace,
   * whose names begin with `millrace_`, are added in one transaction. All else stays as it is. Default false: a start on
   * such a database fails with `millrace/foreign-file`. It says nothing about a file that Millrace has made or taken up.
   */
  readonly adopt?: boolean | undefined
  /** Statements of one commit function, 1 to 100,000,000, default 100,000. */
  readonly commitQueriesMax?: number | undefined
  /** Part of the `-wal` file that is not in the database yet above which health is red, bytes, default 256 MiB. */
  readonly walBytesMax?: number | undefined
  /** Growth of the `-wal` file after which it is copied into the database, bytes, default 4 MiB. */
  readonly checkpointBytes?: number | undefined
  /** Free disk below which publishing is refused with `millrace/disk-low`, bytes, default 64 MiB. */
  readonly diskFreeMinBytes?: number | undefined
  /**
   * Time for which writes wait while another program (a shell, a GUI) holds the write lock of the file, milliseconds, 0
   * to 86,400,000, default 5,000. After it publishing is refused with `millrace/locked`. Finished handlers wait until
   * the lock is gone and then commit. Health is red all that time.
   */
  readonly lockedMs?: number | undefined
}

/** The broker on SQLite, and what only SQLite has. */
export interface Sqlite {
  /** Makes the broker. */
  (options: SqliteOptions): Broker
  /**
   * Returns `tx.client` with its type, for query builders. It follows the rules of `tx.query`: a statement that failed
   * fails the function, and transactions, pragmas and the tables of Millrace are denied.
   *
   * @param tx the `tx` of a function that is running
   * @returns the connection, usable while the function runs
   * @throws `millrace/other-broker` for the `tx` of another broker, `millrace/tx-closed` after the function has ended,
   *   `millrace/bad-option` for anything else
   *
   * @example
   * ```ts
   * const left = await shop.transaction((tx) => {
   *   const statement = sqlite.client(tx).prepare('select left from stock where sku = ?')
   *   return statement.get('sieve')!['left']
   * })
   * console.assert(left === 1_000)
   * ```
   */
  client(tx: Tx): SqliteClient
}

/**
 * Makes the broker that keeps everything in one SQLite file: messages, progress, flows, and the app's own tables. There
 * is no server to install. What was accepted survives a power cut. It opens nothing before the app starts.
 *
 * @param options the file, and bounds
 * @returns the broker, for `app({ broker })`
 * @throws `millrace/bad-option`, `millrace/unknown-option`
 *
 * @example
 * ```ts
 * const broker = sqlite({ file: 'letters.db', lockedMs: 1_000 })
 * const letterShop = app({ name: 'letter-shop', broker, parts: [Letters, letters] })
 * ```
 */
export const sqlite: Sqlite = Object.assign((options: SqliteOptions) => sqliteOn(options, nodeDisk), {
  client: (tx: Tx) => Client.of(tx),
})

/**
 * The same on another disk: for tests that lose or refuse what is written.
 *
 * @internal
 */
export function sqliteOn(options: SqliteOptions, disk: () => Disk, database = nodeDatabase): Broker {
  checkOptions('sqlite', options, [
    'file',
    'adopt',
    'commitQueriesMax',
    'walBytesMax',
    'checkpointBytes',
    'diskFreeMinBytes',
    'lockedMs',
  ])
  if (typeof options.file !== 'string' || options.file === '') {
    throw fault('millrace/bad-option', 'sqlite: file must be the path of the database')
  }
  if (options.file === ':memory:') {
    const what =
      'sqlite: file is ":memory:", but messages have to outlive the process; for tests use simulation of millrace/testing'
    throw fault('millrace/bad-option', what)
  }
  const { adopt = false } = options
  if (typeof adopt !== 'boolean') throw fault('millrace/bad-option', 'sqlite: adopt must be true or false')
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
    create: (world) =>
      new SqliteStore({ file: realFile(file), name: file, world, disk: disk(), limits, database, adopt, left }),
    offline: sqliteOffline(file, limits),
    moves: sqliteMoves(() => realFile(file), limits),
  }
}
