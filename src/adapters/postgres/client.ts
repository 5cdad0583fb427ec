// The `tx.client` of a function: what query builders need of a client of `pg`. Each call goes through the scope of its
// `tx`, as a statement of `tx.query` does.
import { fault } from '../../model/errors.ts'
import type { Tx } from '../../model/tx.ts'
import type { PostgresClient, PostgresQuery, PostgresResult } from './client-shape.ts'
import type { Answer, Sent } from './connection.ts'

/** Runs a statement of a user by the rule of its scope. */
export interface ClientHost {
  readonly ended: boolean
  later(make: () => Sent): Promise<Answer>
}

export class Client implements PostgresClient {
  readonly #host: ClientHost

  constructor(host: ClientHost) {
    this.#host = host
  }

  query<Row>(query: string | PostgresQuery, values?: readonly unknown[]): Promise<PostgresResult<Row>> {
    const answer = this.#host.later(() => {
      const {
        text,
        values: own,
        rowMode,
        types,
      } = typeof query === 'string' ? ({ text: query } as PostgresQuery) : query
      if (typeof text !== 'string') throw fault('millrace/bad-value', 'tx.client.query takes the text of a statement')
      return { text, values: values ?? own, rowMode, types }
    })
    return answer as Promise<PostgresResult<Row>>
  }

  release(): void {}

  /** @throws `millrace/other-broker`, `millrace/tx-closed`, `millrace/bad-option` */
  static of(tx: Tx): PostgresClient {
    if (typeof tx?.query !== 'function') {
      throw fault('millrace/bad-option', 'postgres.client takes the tx of a commit function, a transaction or setup')
    }
    const { client } = tx
    if (typeof client !== 'object' || client === null || !(#host in client)) {
      throw fault('millrace/other-broker', 'postgres.client got the tx of a broker that is not postgres')
    }
    if (client.#host.ended) throw fault('millrace/tx-closed', 'postgres.client got a tx whose function had ended')
    return client
  }
}
