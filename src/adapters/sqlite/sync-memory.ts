// What the thread that syncs shares with the one that asks for it.

/** Places in the shared memory: numbers of syncs, and whether the threads look for each other instead of sleeping. */
export const place = { asked: 0, done: 1, looks: 2 } as const
export const places = 3

/**
 * How long they look at most, milliseconds. To wake a thread takes as long as a sync of a good disk; what takes longer
 * is told by a message.
 */
export const lookMs = 0.5
