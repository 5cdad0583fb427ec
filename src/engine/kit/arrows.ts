/** Which status may follow each. */
export type Arrows<S extends string> = Readonly<Record<S, readonly S[]>>

/** Asserts that a status may change so. A failure is a mistake of the engine itself. */
export function assertArrow<S extends string>(what: string, arrows: Arrows<S>, from: S, to: S): void {
  if (!arrows[from].includes(to)) throw new Error(`${what} is ${from} and cannot become ${to}`)
}
