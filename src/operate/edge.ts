// What an HTTP edge needs of an app beside its public surface. It is not for users: the app opens it, and `src/http` asks
// for it by the app.
import type { Stored } from '../model/codec.ts'
import type { Operation } from '../model/desk-views.ts'
import type { Elsewhere } from '../model/elsewhere.ts'
import { fault } from '../model/errors.ts'
import type { Command, MessageType } from '../model/message.ts'
import type { AppNumbers } from '../model/options.ts'
import type { Accepted, PublishOptions } from '../model/publish.ts'
import type { AccessStore } from '../seam/access.ts'
import type { Offline } from '../seam/offline.ts'
import type { OperationReads } from '../seam/operations.ts'
import type { World } from '../seam/world.ts'

/** The way in for messages, as a run of the engine has it. */
export interface EdgeIntake {
  /** `trace`: as of `Stored`; null for none. */
  publish(
    type: MessageType,
    data: unknown,
    options: PublishOptions | undefined,
    trace: string | null,
  ): Promise<Accepted>
  takeIn(type: MessageType, data: unknown, from: Elsewhere): Promise<Accepted>
  /** Together or not at all; an error has the index of the message in `data.entry`. */
  takeInMany(given: readonly Arriving[]): Promise<Accepted[]>
  /** Sends a command whose end is kept under its id; `trace` as of `publish`. */
  ask(command: Command, data: unknown, id: string, trace: string | null): Promise<Accepted>
  /** Calls a function each time a change of a request is durable; returns the function that ends that. */
  watchRequest(id: string, changed: () => void): () => void
}

/** A message that another system has made. */
export interface Arriving {
  readonly type: MessageType
  readonly data: unknown
  readonly from: Elsewhere
}

export interface Edge {
  readonly world: Pick<World, 'now' | 'elapsed' | 'newId' | 'after' | 'log'>
  /** The store as it is beside the run; undefined where it has no such access. */
  offline(): Offline | undefined
  /** The options of the app that are numbers, each as given or by default. */
  numbers(): AppNumbers
  /** Returns the intake of the run; throws while the app does not run. */
  intake(): EdgeIntake
  /** Returns who may reach the app, of the run; throws while the app does not run. */
  access(): AccessStore
  /** Returns the log of the run; throws while the app does not run. */
  log(): EdgeLog
  /** The first hundred operations that are under way; throws while the app does not run. */
  operations(): Promise<readonly Operation[]>
}

/** The messages of a topic that are durable, by its name. */
export interface EdgeLog {
  /** The newest position; 0 where there was no message. */
  head(topic: string): number
  /** The next messages after a position, in order, at most so many; at least one when there is one. */
  after(topic: string, position: number, limit: number): Promise<readonly Stored[]>
}

const edges = new WeakMap<object, Edge>()

/** An app, as an edge comes into it. */
export interface EdgeHost extends Pick<Edge, 'world' | 'offline' | 'numbers'> {
  /** Returns the run of the engine; throws while there is none. */
  running(): {
    readonly intake: EdgeIntake
    readonly log: EdgeLog
    readonly store: {
      readonly operations: Pick<OperationReads, 'open'>
      readonly desk: { readonly access: AccessStore }
    }
  }
}

/** Says how an edge comes into an app. */
export function openEdge(app: object, { world, offline, numbers, running }: EdgeHost): void {
  const operations = async () => running().store.operations.open(0, 100)
  const access = () => running().store.desk.access
  edges.set(app, {
    ...{ world, offline, numbers, operations, access },
    intake: () => running().intake,
    log: () => running().log,
  })
}

/** @throws `millrace/bad-option` for what is no app */
export function edgeOf(app: object): Edge {
  const edge = edges.get(app)
  if (edge === undefined) throw fault('millrace/bad-option', 'an edge takes an app, made by app({ … })')
  return edge
}

/**
 * Accepts a message that another system has made. Its identity is its source with its id: again with both it adds
 * nothing while the log keeps it, with other data it is a conflict.
 *
 * @returns its id once it is on disk, with `duplicate` where it was there before
 * @throws as `app.publish`; `millrace/bad-attributes`
 */
export async function takeIn(app: object, type: MessageType, data: unknown, from: Elsewhere): Promise<Accepted> {
  return edgeOf(app).intake().takeIn(type, data, from)
}
