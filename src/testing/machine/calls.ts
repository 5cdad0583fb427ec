import type { Message } from '../../model/message.ts'

/** A message, by what names it. */
export type Named = Pick<Message, 'type' | 'id'>

/** The calls of users' functions by the processes of one machine: who was called, and which the simulation made fail. */
export class Calls {
  private readonly names = new WeakMap<object, string>()
  private readonly interfered = new Set<string>()

  /** Names the owner of a call. */
  name(owner: object, who: string): void {
    this.names.set(owner, who)
  }

  /** The name of the owner of a call; undefined for an owner that is not ours. */
  readonly nameOf = (owner: object): string | undefined => this.names.get(owner)

  /** Notes that the simulation makes a message fail or take its time. */
  interfere(processor: string, message: Named): void {
    this.interfered.add(keyOf(processor, message))
  }

  /** Whether the simulation has interfered with a message since it was asked last. */
  hasInterfered(processor: string, message: Named): boolean {
    return this.interfered.delete(keyOf(processor, message))
  }
}

const keyOf = (processor: string, { type, id }: Named) => `${processor} ${type} ${id}`
