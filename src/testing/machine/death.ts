// The end of a simulated process, as its code meets it.

/** Thrown where a simulated process has died. Nothing comes of what its code does about it. */
export class Died extends Error {
  override name = 'Died'
}

/** Whether an error is, or was caused by, the death of its process. */
export function isDeath(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) if (at instanceof Died) return true
  return false
}

/** The text of injected failures, by which they are known again. */
export const injected = 'failed by the simulation'
