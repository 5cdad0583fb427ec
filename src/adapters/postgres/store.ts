// The log and the state in a PostgreSQL database.
//
//   closed ──open──→ opened (schema, identity; the lease is free) ──takeOver──→ in use ──close──→ closed
//                └──fails──→ closed                            └──fails──→ closed
//   in use ──another process takes over, the server is another one──→ lost: it writes nothing more
//
// One connection writes, one beats and gives numbers to kinds, some read.
import type { MillraceError } from '../../model/errors.ts'
import type { Query } from '../../model/tx.ts'
import type { CommitGroup, Committed } from '../../seam/commit.ts'
import type { Leases } from '../../seam/leases.ts'
import type { OpenOptions, Store } from '../../seam/store.ts'
import { type Facets, WithFacets } from '../shared/facets.ts'
import { Besides } from './beside.ts'
import { type CommitLimits, PostgresCommit } from './commit.ts'
import { notOpen } from './errors.ts'
import { PostgresLeases } from './leases.ts'
import { Life } from './life.ts'
import { type Lease, Owner } from './owner.ts'
import { planUsers } from './plans.ts'
import { leaves } from './processes.ts'
import { type Opened, openServer, type ServerLimits, type ServerParts } from './server.ts'
import { untilFree } from './standby.ts'
import type { State, StateNeeds } from './state.ts'
import { PostgresTables } from './tables.ts'
import { userStatement } from './user-sql.ts'

export interface PostgresLimits extends CommitLimits, ServerLimits {}

/** The parts that a store is made of. */
export interface StoreParts extends ServerParts {
  readonly limits: PostgresLimits
  readonly state: (needs: StateNeeds) => State
}

export class PostgresStore extends WithFacets implements Store {
  private readonly parts: StoreParts
  private server: Opened | undefined
  private tables: PostgresTables | undefined
  private leasing: Leases | undefined
  private owner: Owner | undefined
  private commits: PostgresCommit | undefined
  private life: Life | undefined
  private closing: Promise<void> | undefined
  private lost: OpenOptions['lost']

  constructor(parts: StoreParts) {
    super()
    this.parts = parts
  }

  async open({ same, waitMs = 0, stops, lost }: OpenOptions): Promise<void> {
    this.lost = lost
    const { where, world, limits, state } = this.parts
    try {
      this.server = await openServer(this.parts)
      const { identity, readers, side } = this.server
      const read = readers.read.bind(readers)
      const from = await untilFree({ where, world, leaseMs: limits.leaseMs, waitMs, stops, read })
      const beside = new Besides({ where, world, readers, owner: () => this.owner })
      const apart = side.transact
      this.tables = new PostgresTables({
        where,
        beside,
        offset: identity.offset,
        same,
        apart,
        state,
        lost: (error) => this.life?.lose(error),
      })
      this.leasing = new PostgresLeases({
        where,
        tables: this.tables,
        id: this.server.process.id,
        from,
        transact: (work) => this.opened.takeOver(work),
        took: (lease) => this.took(lease),
        failed: (error) => this.failed(error),
      })
    } catch (error) {
      throw await this.failed(error)
    }
  }

  get leases(): Leases {
    if (this.leasing === undefined) throw notOpen(this.parts.where)
    return this.leasing
  }

  private get opened(): Opened {
    if (this.server === undefined || this.closing !== undefined) throw notOpen(this.parts.where)
    return this.server
  }

  /** The lease is taken: from now on it writes. */
  private took(lease: Lease): void {
    const { where, world, limits } = this.parts
    const { tables, server } = this
    const { writer, identity, beginning } = server!
    this.owner = new Owner(lease, {
      where,
      world,
      turns: writer,
      identity,
      beginning,
      writeProgress: (db, rows) => tables!.progress.write(db, rows),
      fold: (db, present) => tables!.progress.fold(db, present),
      arrived: (runs, own) => tables!.log.arrived(runs, own),
    })
    this.life = new Life({
      where,
      world,
      leaseMs: limits.leaseMs,
      owner: this.owner,
      server: server!,
      told: (why) => this.lost?.(why),
    })
    this.commits = new PostgresCommit({ where, world, limits, owner: this.owner, tables: tables! })
    this.life.begin()
  }

  /** Gives back what a start has taken. @returns the error */
  private async failed(error: unknown): Promise<unknown> {
    await this.end('left').catch(() => {})
    return error
  }

  // ── facets ─────────────────────────────────────────────────────────────────────────────────────────────────────

  protected get facets(): Facets {
    if (this.tables === undefined) throw notOpen(this.parts.where)
    const { log, progress, state } = this.tables
    return { log, progress, ...state.facets }
  }

  // ── messages and transactions ──────────────────────────────────────────────────────────────────────────────────

  async commit(group: CommitGroup): Promise<Committed> {
    if (this.commits === undefined || this.closing !== undefined) throw notOpen(this.parts.where)
    const lost = this.life?.lost
    if (lost !== undefined) return { state: 'lost', why: lost }
    return this.commits.commit(group)
  }

  readonly query: Query = async <Row>(template: TemplateStringsArray, ...values: unknown[]) => {
    const statement = userStatement(template, values)
    return this.opened.readers.read(async (db) => {
      db.words(planUsers).catch(() => {})
      return (await db.send(statement)).rows as Row[]
    })
  }

  // ── condition ──────────────────────────────────────────────────────────────────────────────────────────────────

  health(): readonly string[] {
    return this.life?.health() ?? []
  }

  room(): MillraceError | undefined {
    return undefined
  }

  async accept(): Promise<boolean> {
    return false
  }

  checkFiles(): void {}

  // ── closing ────────────────────────────────────────────────────────────────────────────────────────────────────

  close(end: 'clean' | 'left'): Promise<void> {
    this.closing ??= this.end(end)
    return this.closing
  }

  private async end(end: 'clean' | 'left'): Promise<void> {
    const { server, life } = this
    if (server === undefined) return
    this.server = undefined
    await life?.end(end)
    await server.end()
    leaves(server.process.id)
  }
}
