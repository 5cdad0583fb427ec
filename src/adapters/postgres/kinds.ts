// Type, version and source of messages: many share them, so each combination has a number. Numbers are given in a
// transaction of their own: nobody waits for the transaction of somebody who publishes a new type. They stay.
import type { Stored } from '../../model/codec.ts'
import { kindSource } from '../shared/attributes.ts'
import type { Statements } from './statements.ts'

interface Kind {
  readonly type: string
  readonly version: number
  readonly source: string
}

interface KindRow extends Kind {
  readonly id: number
}

const loadText = 'select id, type, version, source from millrace.kinds'
const addText = `insert into millrace.kinds (type, version, source)
  select * from unnest($1::text[], $2::int4[], $3::text[]) on conflict do nothing`
const findText = `${loadText} where (type, version, source) in (
  select * from unnest($1::text[], $2::int4[], $3::text[]))`

const noKind: KindRow = { id: 0, type: '', version: 0, source: '' }

export class Kinds {
  private readonly ids = new Map<string, number>()
  /** The kind that was asked for last. The next message mostly has it too. */
  private last = noKind

  /** Reads all anew, and gives numbers to those of `own`: others publish them by the names. */
  async take(db: Statements, own: readonly Kind[]): Promise<void> {
    this.ids.clear()
    this.last = noKind
    const values = [own.map(({ type }) => type), own.map(({ version }) => version), own.map(({ source }) => source)]
    await db.run(addText, values)
    this.keep(await db.all<KindRow>(loadText))
  }

  /** The messages whose kind has no number here. */
  unknown(messages: readonly Stored[]): readonly Stored[] {
    return messages.filter((message) => this.find(message) === undefined)
  }

  /** Gives numbers to the kinds of messages. `db` is a connection without a transaction. */
  async add(db: Statements, messages: readonly Stored[]): Promise<void> {
    const kinds = [...new Map(messages.map((message) => [keyOf(message, kindSource(message)), message])).values()]
    const values = [kinds.map(({ type }) => type), kinds.map(({ version }) => version), kinds.map(kindSource)]
    const [, rows] = await Promise.all([db.run(addText, values), db.all<KindRow>(findText, values)])
    this.keep(rows)
  }

  /** The number of a message's kind, which is known. */
  of(message: Stored): number {
    const id = this.find(message)
    if (id === undefined) throw new Error(`the kind of "${message.type}" has no number`)
    return id
  }

  private find(message: Stored): number | undefined {
    const { last } = this
    const { type, version } = message
    const source = kindSource(message)
    if (last.type === type && last.version === version && last.source === source) return last.id
    const id = this.ids.get(keyOf(message, source))
    if (id !== undefined) this.last = { id, type, version, source }
    return id
  }

  private keep(rows: readonly KindRow[]): void {
    for (const row of rows) this.ids.set(keyOf(row, row.source), row.id)
  }
}

const keyOf = ({ type, version }: Pick<Kind, 'type' | 'version'>, source: string) => `${version} ${type} ${source}`
