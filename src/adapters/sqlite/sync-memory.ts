// What the thread that syncs shares with the one that asks for it.

/**
 * Places in the shared memory: numbers of syncs, whether the threads look for each other instead of sleeping, and whether
 * the one that syncs is to end.
 */
export const place = { asked: 0, done: 1, looks: 2, ends: 3 } as const
export const places = 4

/** Whether a number has come to another: numbers go on from the highest to the lowest, which at 1,000/s takes 25 days. */
export const reached = (number: number, other: number): boolean => ((number - other) | 0) >= 0

/**
 * How long they look at most, milliseconds. To wake a thread takes as long as a sync of a good disk; what takes longer
 * is told by a message.
 */
export const lookMs = 0.5
