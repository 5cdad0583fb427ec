/**
 * Chance that is the same for the same seed. Each use forks its own stream, so that streams do not shift each other.
 */
export interface Random {
  /** Returns a number from 0, below 1. */
  (): number
  /**
   * Returns a whole number.
   *
   * @param below the bound, a whole number from 1
   * @returns a whole number from 0, below the bound
   *
   * @example
   * ```ts
   * work.wait(random.below(1_000))
   * ```
   */
  below(below: number): number
  /**
   * Returns true with a probability.
   *
   * @param probability from 0 to 1
   * @returns true or false
   *
   * @example
   * ```ts
   * if (random.chance(0.5)) work.send(SendReminder, { orderId: 'o-1' })
   * ```
   */
  chance(probability: number): boolean
  /**
   * Returns one entry of a list.
   *
   * @param list a list that is not empty
   * @returns one of its entries
   *
   * @example
   * ```ts
   * work.send(SendReminder, { orderId: random.pick(['o-1', 'o-2', 'o-3']) })
   * ```
   */
  pick<T>(list: readonly T[]): T
  /**
   * Returns another stream of chance. Its draws do not change those of this one.
   *
   * @param name the name of the stream
   * @returns the stream, the same for the same seed and name
   *
   * @example
   * ```ts
   * const times = random.fork('times')
   * work.wait(times.below(1_000))
   * ```
   */
  fork(name: string): Random
}

/** Makes a stream of numbers for a seed: a counter through a mixing function of 32 bits, as splitmix does it. */
export function randomOf(seed: number, name = ''): Random {
  let origin = (seed ^ Math.floor(seed / 2 ** 32)) | 0
  for (const char of name) origin = mix(origin + char.codePointAt(0)! + 0x9e3779b9)
  let count = mix(origin)
  const next = () => {
    count = (count + 0x9e3779b9) | 0
    return (mix(count) >>> 0) / 2 ** 32
  }
  return Object.assign(next, {
    below: (below: number) => Math.floor(next() * below),
    chance: (probability: number) => next() < probability,
    pick: <T>(list: readonly T[]): T => list[Math.floor(next() * list.length)]!,
    fork: (other: string) => randomOf(seed, `${name}/${other}`),
  })
}

/** Spreads the bits of a number: the finalizer of MurmurHash3 (public domain). */
export function mix(value: number): number {
  let bits = value | 0
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b)
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35)
  return bits ^ (bits >>> 16)
}
