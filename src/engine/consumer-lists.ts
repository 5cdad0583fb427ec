// The processors of a run: all of them, those that run ahead of the disk, those of each stream.
import type { Consumer } from './consumer/consumer.ts'

const none: readonly Consumer[] = []

export class ConsumerLists {
  readonly all: Consumer[] = []
  /** Those of mediators and routes. */
  readonly ahead: Consumer[] = []
  private readonly byStream = new Map<number, Consumer[]>()

  add(consumer: Consumer, stream: number): void {
    this.all.push(consumer)
    if (consumer.spec.runsAhead) this.ahead.push(consumer)
    const others = this.byStream.get(stream)
    if (others === undefined) this.byStream.set(stream, [consumer])
    else others.push(consumer)
  }

  /** Another one takes the place of a processor. */
  replace(old: Consumer, by: Consumer): void {
    for (const list of [this.all, this.ahead, ...this.byStream.values()]) {
      const place = list.indexOf(old)
      if (place >= 0) list[place] = by
    }
  }

  on(stream: number): readonly Consumer[] {
    return this.byStream.get(stream) ?? none
  }

  named(name: string): Consumer | undefined {
    return this.all.find((consumer) => consumer.name === name)
  }

  /** The one that serves the commands of a type. */
  serving(type: string): Consumer | undefined {
    return this.all.find(({ spec }) => spec.destination.kind === 'channel' && spec.handlers.has(type))
  }
}
