/** Whether two types are the same, to the letter. */
export type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

/** Compiles only where the type is `true`. Does nothing at run time. */
export function is<_Holds extends true>(): void {}
