// The exports of `millrace/postgres`.
import { fault } from '../../model/errors.ts'
import { checkOptions, limit } from '../../model/options.ts'
import type { Tx } from '../../model/tx.ts'
import type { Broker } from '../../seam/store.ts'
import { Client } from './client.ts'
import type { PostgresClient } from './client-shape.ts'
import { shownUrl } from './connection.ts'
import { joins } from './joins.ts'
import { postgresMoves } from './moves.ts'
import { formatKnown } from './schema.ts'
import { stateTables } from './state-tables.ts'
import { PostgresStore } from './store.ts'

export type { PostgresClient, PostgresQuery, PostgresResult } from './client-shape.ts'

/** Options of {@link postgres}. */
export interface PostgresOptions {
  /**
   * The URL of the database: `postgres://user:password@host:5432/shop`. Its tables are in the schema `millrace`, which is
   * made when it does not exist; all else in the database stays as it is. PostgreSQL 14 or later, with encoding UTF8.
   */
  readonly url: string
  /**
   * Time after which another process takes over from one that gives no sign, milliseconds, 1,000 to 600,000, default 5,000.
   * One process handles at a time. It beats five times in that time.
   */
  readonly leaseMs?: number | undefined
  /** Time for one commit function and for each statement, milliseconds, 100 to 600,000, default 10,000. */
  readonly commitMs?: number | undefined
  /** Statements of one commit function, 1 to 100,000,000, default 100,000. */
  readonly commitQueriesMax?: number | undefined
}

/** The broker on PostgreSQL, and what only PostgreSQL has. */
export interface Postgres {
  /** Makes the broker. */
  (options: PostgresOptions): Broker
  /**
   * Returns `tx.client` with its type, for query builders. It follows the rules of `tx.query`: a statement that failed
   * fails the function, and statements that control the transaction are denied.
   *
   * @param tx the `tx` of a function that is running
   * @returns the connection, usable while the function runs
   * @throws `millrace/other-broker` for the `tx` of another broker, `millrace/tx-closed` after the function has ended,
   *   `millrace/bad-option` for anything else
   */
  client(tx: Tx): PostgresClient
}

/**
 * Makes the broker that keeps everything in a PostgreSQL database: messages, progress, flows, and the app's own tables.
 * The rows of a handler, what it publishes and its acknowledgement are one transaction. It connects to nothing before the
 * app starts. It needs the package `pg`.
 *
 * @param options the URL, and bounds
 * @returns the broker, for `app({ broker })`
 * @throws `millrace/bad-option`, `millrace/unknown-option`
 */
export const postgres: Postgres = Object.assign(postgresOn, { client: (tx: Tx) => Client.of(tx) })

/** Functions of users in one transaction at most. */
const functionsMax = 16

function postgresOn(options: PostgresOptions): Broker {
  checkOptions('postgres', options, ['url', 'leaseMs', 'commitMs', 'commitQueriesMax'])
  const { url } = options
  if (typeof url !== 'string' || !/^postgres(ql)?:\/\//.test(url)) {
    throw fault('millrace/bad-option', 'postgres: url must be the URL of the database: postgres://user@host:5432/name')
  }
  const limits = {
    leaseMs: limit('postgres', 'leaseMs', options.leaseMs),
    commitMs: limit('postgres', 'commitMs', options.commitMs),
    queriesMax: limit('postgres', 'commitQueriesMax', options.commitQueriesMax),
    functionsMax,
  }
  const where = shownUrl(url)
  const code = `format ${formatKnown}`
  const parts = { url, where, limits, code, state: stateTables }
  return {
    name: 'postgres',
    where,
    joins,
    create: (world) => new PostgresStore({ ...parts, world }),
    moves: postgresMoves(parts),
  }
}
