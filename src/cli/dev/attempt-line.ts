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

/** The columns that the text of an error keeps while the type can be cut, and however long the names before it are. */
const textColumns = { first: 24, least: 10 }

/** The columns that the type keeps. */
const typeColumns = 6

/** The columns that the names keep, however long the place is. */
const namesColumns = 16

/** The errors of a chain that are told. */
const causesMax = 4

/**
 * Formats the end of an attempt as one line that fits the columns. The text of an error is cut first, then the type, then
 * the names, so that the context, the place and what follows are seen.
 */
export function attemptLine(end: AttemptEnd, now: Date, out: Pick<Output, 'columns' | 'colour'>): string {
  const { processor, type, context, outcome, error } = end
  const at = `${now.toTimeString().slice(0, 8)} `
  const how = outcome.padEnd(8)
  const columns = out.columns - at.length - how.length
  const text = error === undefined ? '' : safe(`: ${textOf(error)}`)
  const last = (error === undefined ? '' : safe(placeOf(error))) + consequence(end)
  const room = columns - widthOf(last)
  const named = (kind: string) => safe([processor, kind, ...(context === undefined ? [] : [context])].join(' '))
  const over = widthOf(named(type)) + Math.min(widthOf(text), textColumns.first) - room
  const names = over <= 0 ? named(type) : named(cut(type, Math.max(typeColumns, widthOf(type) - over)))
  const kept = Math.min(widthOf(text), Math.max(textColumns.least, room - widthOf(names)))
  const shown = cut(names, Math.max(namesColumns, room - kept)) + cut(text, kept) + last
  return at + out.colour(colours[outcome], how) + cut(shown, columns)
}

/** The message of an error, then those of its causes that it does not repeat: `fetch failed` says too little. */
function textOf(error: ErrorRecord): string {
  return chainOf(error).reduce(
    (text, { message }) => (text.includes(message) ? text : `${text}: ${message}`),
    error.message,
  )
}

function chainOf(error: ErrorRecord): ErrorRecord[] {
  const chain: ErrorRecord[] = []
  for (let one: ErrorRecord | undefined = error; one !== undefined && chain.length < causesMax; one = one.cause) {
    chain.push(one)
  }
  return chain
}

/** The place of an error in the user's code; where its stack names none, that of a cause. */
function placeOf(error: ErrorRecord): string {
  const place = chainOf(error).flatMap(({ stack = '' }) => placeIn(stack) ?? [])[0]
  return place === undefined ? '' : ` at ${basename(place)}`
}

function consequence({ outcome, attempt, nextInMs }: AttemptEnd): string {
  if (nextInMs !== undefined) return nextInMs < 100 ? ', again' : `, again in ${(nextInMs / 1_000).toFixed(1)} s`
  return attempt > 1 && outcome === 'handled' ? `, attempt ${attempt}` : ''
}
