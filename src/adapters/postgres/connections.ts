// The connections of one store: one that writes, one for what is beside the work, and some that read.
//
//   none ──first use──→ connecting ──→ open ──broken──→ none
//
// One transaction at a time is on a connection: who comes next waits for its turn.
import { fault, type MillraceError } from '../../model/errors.ts'
import { type Connecting, Connection } from './connection.ts'

/** A connection that is made when it is needed, and used by one at a time. */
export class Turns {
  private readonly connecting: Connecting
  private connection: Connection | undefined
  private last: Promise<unknown> = Promise.resolve()
  private ended: MillraceError | undefined
  waiting = 0

  constructor(connecting: Connecting) {
    this.connecting = connecting
  }

  /** Runs work on the connection when all that came before has ended. */
  use<T>(work: (db: Connection) => Promise<T>): Promise<T> {
    this.waiting++
    const done = this.last.then(async () => {
      try {
        return await work(await this.open())
      } finally {
        this.waiting--
      }
    })
    this.last = done.catch(() => {})
    return done
  }

  /** The connection, which is made where there is none. */
  async open(): Promise<Connection> {
    if (this.ended !== undefined) throw this.ended
    if (this.connection?.isOpen !== true) this.connection = await Connection.open(this.connecting)
    return this.connection
  }

  /** Ends it when what is under way has ended. What comes later is refused. */
  async end(where: string): Promise<void> {
    this.ended = fault('millrace/not-started', `${where} is not open`)
    await this.last
    await this.connection?.end()
  }

  /** Ends it at once. */
  cut(why: MillraceError): void {
    this.ended = why
    this.connection?.cut(why)
  }
}

/** Readers at most: what reads more at once waits. */
const readersMax = 4

/** Connections that read. */
export class Readers {
  private readonly connecting: Connecting
  private readonly all: Turns[] = []
  /** As with what writes, nothing is left to the defaults of the role. */
  private readonly beginText: string

  constructor(connecting: Connecting) {
    this.connecting = connecting
    const { silentMs } = connecting
    this.beginText = `begin isolation level repeatable read read only; set local statement_timeout = ${silentMs};
      set local lock_timeout = ${silentMs}; set local idle_in_transaction_session_timeout = ${silentMs}`
  }

  /** Reads of one moment. */
  read<T>(work: (db: Connection) => Promise<T>): Promise<T> {
    return this.free().use(async (db) => {
      db.words(this.beginText).catch(() => {})
      try {
        return await work(db)
      } finally {
        // Nobody waits for its answer: what comes next is answered after it.
        db.words('rollback').catch(() => {})
      }
    })
  }

  async end(where: string): Promise<void> {
    await Promise.all(this.all.map((one) => one.end(where)))
  }

  private free(): Turns {
    const { all } = this
    let best = all.find(({ waiting }) => waiting === 0)
    if (best === undefined && all.length < readersMax) {
      best = new Turns(this.connecting)
      all.push(best)
    }
    return best ?? all.reduce((one, other) => (other.waiting < one.waiting ? other : one))
  }
}
