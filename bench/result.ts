import type { Found, Line } from './cases.ts'

/** One line of the output; programs outside rely on these names. What has no counterpart is null. */
export interface Result {
  name: string
  value: number | null
  unit: string
  raw: number | null
  rawRatio: number | null
  rawShape: number | null
  rawShapeRatio: number | null
  peer: string | null
  peerValue: number | null
  ratio: number | null
  durability: string
}

export const durability = 'fdatasync before acknowledgement'

/**
 * A line of a case with the medians that were found, each ratio being the value by the number it is compared with; of
 * times the other way round, so that above 1 is better in both.
 */
export function resultOf(line: Line, found: Found): Result {
  const value = rounded(line.value(found), line.unit)
  const isRate = line.unit === '/s'
  const raw = isRate ? rounded(found.columns.raw?.['perSecond'], '/s') : null
  const rawShape = isRate ? rounded(found.columns.rawShape?.['perSecond'], '/s') : null
  const [peer, peerValue] = best(line, found)
  return {
    name: line.name,
    value,
    unit: line.unit,
    raw,
    rawRatio: ratio(value, raw),
    rawShape,
    rawShapeRatio: ratio(value, rawShape),
    peer,
    peerValue,
    ratio: isRate ? ratio(value, peerValue) : ratio(peerValue, value),
    durability,
  }
}

/** The peer with the highest rate or, where it is about time, the lowest one. */
function best(line: Line, { peers }: Found): [name: string | null, value: number | null] {
  const isRate = line.unit === '/s'
  const figure = line.peer ?? (isRate ? 'perSecond' : null)
  if (figure === null) return [null, null]
  const measured = [...peers]
    .map(([name, figures]): [string, number | null] => [name, rounded(figures[figure], line.unit)])
    .filter((each): each is [string, number] => each[1] !== null)
    .toSorted(([, a], [, b]) => (isRate ? b - a : a - b))
  return measured[0] ?? [null, null]
}

function ratio(value: number | null, by: number | null): number | null {
  return value === null || by === null ? null : rounded(value / by, 'ratio')
}

const digits: Record<Line['unit'], number> = { '/s': 0, ms: 2, MB: 1, B: 0, ratio: 3, count: 1 }

function rounded(value: number | undefined, unit: Line['unit']): number | null {
  return value === undefined || !Number.isFinite(value) ? null : Number(value.toFixed(digits[unit]))
}
