// What is larger than `layers.test.ts` allows, as it was when the bounds came. It only shrinks.
export const offenders: {
  readonly circles: readonly string[]
  readonly arrows: readonly string[]
  readonly sizes: Readonly<Record<string, number>>
} = {
  circles: [],
  arrows: [],
  sizes: {
    // The row of a log, as one object: two would cost each message an allocation, and each read of it a second look.
    'model/codec.ts Stored fields': 18,
    'model/codec.ts Stored.constructor() parameters': 6,
    'model/errors.ts row() takes true or false as retryable': 1,
  },
}
