// A line over time, as paths of a picture of 1,000 × 100. Where there was no sample the line has a gap.
export interface Line {
  /** Milliseconds since 1970, in order. */
  readonly at: readonly number[]
  /** As long as `at`. */
  readonly values: readonly (number | null)[]
  /** The time between two values; where they are further apart there is a gap. */
  readonly stepMs: number
}

export interface Frame {
  readonly from: number
  readonly to: number
  /** The value at the top. */
  readonly most: number
}

const width = 1_000
const height = 100

/** One path for each run of values without a gap; one value alone is a short line. */
export function pathsOf({ at, values, stepMs }: Line, { from, to, most }: Frame): string[] {
  const paths: string[] = []
  let path = ''
  let last = Number.NEGATIVE_INFINITY
  const end = () => {
    if (path !== '' && !path.includes('L')) path += 'h2'
    if (path !== '') paths.push(path)
    path = ''
  }
  for (const [n, time] of at.entries()) {
    const value = values[n]
    if (value == null || time < from || time - last > 2.5 * stepMs) end()
    if (value == null || time < from) continue
    const x = rounded(((time - from) / (to - from)) * width)
    const y = rounded(height - (Math.min(value, most) / most) * height)
    path += path === '' ? `M${x} ${y}` : `L${x} ${y}`
    last = time
  }
  end()
  return paths
}

const rounded = (n: number) => Math.round(n * 10) / 10

/** The next of 1, 2, 5, 10, 20 … that is not below a value: the top of a picture. */
export function topOf(most: number): number {
  if (most <= 0) return 1
  const power = 10 ** Math.floor(Math.log10(most))
  return [1, 2, 5, 10].map((n) => n * power).find((n) => n >= most * 0.999_999)!
}

export interface Told {
  /** The newest value; undefined where there is none. */
  readonly now: number | undefined
  readonly most: number
  /** The time of the highest value. */
  readonly mostAt: number
}

/** The newest value and the highest; undefined where there is none at all. */
export function toldOf({ at, values }: Line): Told | undefined {
  let told: { now: number | undefined; most: number; mostAt: number } | undefined
  at.forEach((time, n) => {
    const value = values[n] ?? undefined
    if (told !== undefined) told.now = value
    if (value === undefined) return
    if (told === undefined || value > told.most) told = { now: value, most: value, mostAt: time }
  })
  return told
}

/** Every so many values, the newest of each run: for a table that a person can read. */
export function every(n: number, length: number): number[] {
  return Array.from({ length: Math.ceil(length / n) }, (_, k) => length - 1 - k * n)
}
