import type { World } from '../../src/seam/world.ts'

/** A world in which the time between two looks of alerts, ten seconds, is short. */
export const looksOften = (real: World): World => ({
  ...real,
  after: (ms, ...rest) => real.after(ms === 10_000 ? 5 : ms, ...rest),
})
