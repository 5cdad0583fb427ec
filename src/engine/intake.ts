// The way in: from a caller outside the engine to the committer.
//
//   refused (the run takes nothing, too much waits, the disk is full, the message is wrong) ← call → waits → durable
//
// A call that is refused leaves nothing behind.
import type { Stored } from '../model/codec.ts'
import type { Elsewhere } from '../model/elsewhere.ts'
import { fault } from '../model/errors.ts'
import type { Command, MessageType } from '../model/message.ts'
import { passedIn } from '../model/passed.ts'
import type { Accepted, PublishOptions } from '../model/publish.ts'
import type { WhenHeld } from '../model/requests.ts'
import type { Tx } from '../model/tx.ts'
import type { Store } from '../seam/store.ts'
import type { Telemetry } from '../seam/telemetry.ts'
import type { Cancel, Cancelled } from '../seam/timers.ts'
import type { World } from '../seam/world.ts'
import type { Committer } from './commit/committer.ts'
import { AppTransaction, type Collect } from './commit/transaction.ts'
import { Publish, PublishMany } from './commit/writes.ts'
import { type Arriving, type Entries, encodeArriving, encodeEntries, withEntry } from './entries.ts'
import type { Envelopes } from './envelopes.ts'
import type { Requests } from './request/requests.ts'
import type { Withdrawals } from './request/withdrawals.ts'

/** The engine, as the intake needs it. */
export interface IntakeHost {
  /** The name of the app. */
  readonly app: string
  readonly world: Pick<World, 'now' | 'newId' | 'bind'>
  readonly store: Pick<Store, 'room' | 'requests'>
  readonly committer: Pick<Committer, 'publish' | 'pendingPublishes' | 'transact' | 'writeTimed'>
  readonly envelopes: Envelopes
  readonly requests: Pick<Requests, 'wait' | 'watch'>
  readonly withdrawals: Pick<Withdrawals, 'ofRequest'>
  readonly telemetry?: Telemetry | undefined
  /** The number of publishes that may wait for their acknowledgement. */
  readonly pendingMax: number
  /** @throws `millrace/stopping` unless the run takes messages */
  checkRunning(): void
}

/** How a caller asks. */
export interface Asking {
  /** The id that the caller gives; undefined for a new one. */
  readonly id: string | undefined
  readonly timeoutMs: number
  readonly whenHeld: WhenHeld
}

export class Intake {
  private readonly host: IntakeHost
  private readonly committer: IntakeHost['committer']
  private readonly envelopes: Envelopes

  constructor(host: IntakeHost) {
    this.host = host
    this.committer = host.committer
    this.envelopes = host.envelopes
  }

  /** Accepts a message, with its place in a trace as of `Stored`. Resolves when it is durable. */
  publish(
    type: MessageType,
    data: unknown,
    options: PublishOptions | undefined,
    trace: string | null = null,
  ): Promise<Accepted> {
    return new Promise((resolve, reject) => {
      this.check()
      const message = this.envelopes.fresh(type, data, options, trace)
      this.committer.publish(this.publishing(message, resolve, reject))
    })
  }

  /** Accepts events together or not at all. Resolves when they are durable, with one result for each, in order. */
  publishMany(given: Entries): Promise<Accepted[]> {
    return new Promise((resolve, reject) => {
      this.check()
      const { messages, bytes } = encodeEntries(given, this.envelopes, this.host.world)
      if (messages.length === 0) resolve([])
      if (messages.length > 0)
        this.committer.transact(this.publishingMany(messages, bytes, resolve, refusing(messages, reject)))
    })
  }

  /** Accepts a message that another system has made. One that has passed this app before adds nothing. */
  takeIn(type: MessageType, data: unknown, from: Elsewhere): Promise<Accepted> {
    return new Promise((resolve, reject) => {
      this.check()
      const message = this.envelopes.elsewhere(type, data, from)
      if (this.hasPassed(message)) resolve({ id: message.id, duplicate: true })
      else this.committer.publish(this.publishing(message, resolve, reject))
    })
  }

  /**
   * Accepts messages that other systems have made, of any types, together or not at all. One that is wrong refuses all;
   * its index is in `data.entry`. One that has passed this app before adds nothing.
   */
  takeInMany(given: readonly Arriving[]): Promise<Accepted[]> {
    return new Promise((resolve, reject) => {
      this.check()
      const { messages, bytes } = encodeArriving(given, this.envelopes)
      const fresh = messages.filter((message) => !this.hasPassed(message))
      const taken = (accepted: readonly Accepted[]) => {
        const results = accepted.values()
        resolve(messages.map((one) => (this.hasPassed(one) ? { id: one.id, duplicate: true } : results.next().value!)))
      }
      if (fresh.length === 0) return taken([])
      this.committer.transact(this.publishingMany(fresh, bytes, taken, refusing(messages, reject)))
    })
  }

  private publishing(message: Stored, resolve: Publish['resolve'], reject: Publish['reject']): Publish {
    const { telemetry } = this.host
    if (telemetry === undefined) return new Publish(message, resolve, reject)
    const accepted = (answer: Accepted) => {
      telemetry.answered(message)
      resolve(answer)
    }
    const refused = (error: unknown) => {
      telemetry.answered(message, error)
      reject(error)
    }
    return new Publish(message, accepted, refused)
  }

  private publishingMany(
    messages: readonly Stored[],
    bytes: number,
    resolve: (accepted: Accepted[]) => void,
    reject: (error: unknown) => void,
  ): PublishMany {
    const { telemetry } = this.host
    if (telemetry === undefined) return new PublishMany(messages, bytes, resolve, reject)
    const end = telemetry.batch(messages)
    const accepted = (answers: Accepted[]) => {
      end()
      resolve(answers)
    }
    const refused = (error: unknown) => {
      end(error)
      reject(error)
    }
    return new PublishMany(messages, bytes, accepted, refused)
  }

  /** Whether a message of another system comes back to this app. */
  private hasPassed({ attributes }: Stored): boolean {
    return passedIn(attributes).includes(this.host.app)
  }

  /**
   * Sends a command and waits for its reply.
   *
   * @throws as `Requests.wait`
   */
  async request(command: Command, data: unknown, { id, ...waiting }: Asking): Promise<unknown> {
    const { message, accepted } = this.asked(command, data, id, null)
    return this.host.requests.wait({ command, message, ...waiting }, accepted)
  }

  /**
   * Sends a command whose end is kept under its id. Resolves when it is durable.
   *
   * @throws `millrace/id-conflict` where the id was sent before, and not as a request
   */
  async ask(command: Command, data: unknown, id: string, trace: string | null = null): Promise<Accepted> {
    const accepted = await this.asked(command, data, id, trace).accepted
    if (accepted.duplicate !== true || (await this.host.store.requests.row(id)) !== undefined) return accepted
    throw fault('millrace/id-conflict', `"${command.name}" was sent with id "${id}" before, and not as a request`)
  }

  private asked(command: Command, data: unknown, id: string | undefined, trace: string | null) {
    this.check()
    const message = this.envelopes.encode(command, data, {
      ...this.envelopes.fromOutside(id ?? this.host.world.newId()),
      ownId: id !== undefined,
      trace,
      asked: 'app' as const,
    })
    const accepted = new Promise<Accepted>((resolve, reject) => {
      this.committer.publish(this.publishing(message, resolve, reject))
    })
    return { message, accepted }
  }

  /** Calls a function each time a change of a request is durable; returns the function that ends that. */
  watchRequest(id: string, changed: () => void): () => void {
    return this.host.requests.watch(id, changed)
  }

  /** Runs a function in a transaction. Resolves with its result when that is durable. */
  transaction(run: (tx: Tx, collect: Collect) => unknown): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.check()
      this.committer.transact(new AppTransaction(this.host.world.bind(run), this.envelopes.fresh, resolve, reject))
    })
  }

  /** Takes back a delayed message, or a request that has not ended. Resolves with whether there was one. */
  async cancel(type: MessageType, id: string): Promise<boolean> {
    const pending = await this.cancelDelayed(type, id)
    return pending || (type.kind === 'command' && this.host.withdrawals.ofRequest(type.name, id))
  }

  private cancelDelayed(type: MessageType, id: string): Promise<boolean> {
    return new Promise((resolve, reject) => {
      this.host.checkRunning()
      const change: Cancel = { do: 'cancel', type: type.name, id }
      const written = ({ found }: Cancelled) => resolve(found)
      this.committer.writeTimed<'cancel'>({ change, written, dropped: reject, patient: false })
    })
  }

  /** @throws why nothing more is taken now */
  private check(): void {
    const { pendingMax, store } = this.host
    this.host.checkRunning()
    if (this.committer.pendingPublishes >= pendingMax) {
      throw fault('millrace/too-many-pending', `${pendingMax} publishes wait for their acknowledgement`)
    }
    const full = store.room()
    if (full !== undefined) throw full
  }
}

/** Outside of the calls, whose data it must not refer to: see `Writes.clear`. */
function refusing(messages: readonly Stored[], reject: (error: unknown) => void): (error: unknown) => void {
  return (error) => reject(withEntry(error, messages))
}
