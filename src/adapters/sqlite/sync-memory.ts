// The memory that the thread for syncs shares with the thread that asks for them.

/**
 * Places in the shared memory: numbers of syncs, whether the threads look for each other instead of sleeping, and whether
 * the one that syncs is to end.
 */
export const place = { asked: 0, done: 1, looks: 2, ends: 3 } as const
export const places = 4

/** Tells whether a number has reached another. The lowest number follows the highest, which at 1,000/s takes 25 days. */
export const reached = (number: number, other: number): boolean => ((number - other) | 0) >= 0

/**
 * The longest time that the threads look for each other, milliseconds. To wake a thread takes as long as a sync of a good
 * disk; a message tells of a sync that takes longer.
 */
export const lookMs = 0.5
