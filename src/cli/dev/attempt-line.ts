import { basename } from 'node:path'
import type { AttemptEnd, ErrorRecord } from '../../index.ts'
import type { Colour, Output } from '../output.ts'
import { placeIn } from '../place-in.ts'
import { cut, safe, widthOf } from '../print.ts'

const colours: Readonly<Record<AttemptEnd['outcome'], Colour>> = {
  handled: 'green',
  refused: 'yellow',
  failed: 'yellow',
  held: 'red',
}

/** The columns that an error keeps, however long the names before it are. */
const errorColumns = 44

/** Formats the end of an attempt as one line that fits the columns. */
export function attemptLine(end: AttemptEnd, now: Date, out: Pick<Output, 'columns' | 'colour'>): string {
  const { processor, type, context, outcome, error } = end
  const at = `${now.toTimeString().slice(0, 8)} `
  const how = outcome.padEnd(8)
  const columns = out.columns - at.length - how.length
  const message = safe([processor, type, ...(context === undefined ? [] : [context])].join(' '))
  const follows = (error === undefined ? '' : safe(`: ${error.message}${placeOf(error)}`)) + consequence(end)
  const shown = cut(message, Math.max(columns - widthOf(follows), columns - errorColumns))
  return at + out.colour(colours[outcome], how) + cut(shown + follows, columns)
}

function placeOf({ stack = '' }: ErrorRecord): string {
  const place = placeIn(stack)
  return place === undefined ? '' : ` at ${basename(place)}`
}

function consequence({ outcome, attempt, nextInMs }: AttemptEnd): string {
  if (nextInMs !== undefined) return nextInMs < 100 ? ', again' : `, again in ${(nextInMs / 1_000).toFixed(1)} s`
  return attempt > 1 && outcome === 'handled' ? `, attempt ${attempt}` : ''
}
