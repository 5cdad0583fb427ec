// The marks of a map: what each part does now, from two looks at the processors.
import type { TopologyNode } from '../../describe/topology.ts'
import type { ProcessorRow } from '../../operate/processors.ts'
import { grownSince, rateBetween, rateText } from './rates.ts'
import type { Tone } from './words.ts'
import { stateWords } from './words.ts'

export interface Look {
  /** Milliseconds since 1970. */
  readonly at: number
  readonly rows: readonly ProcessorRow[]
}

/** What a part does now. A part with several processors has the worst state and the sums of them. */
export interface Mark {
  readonly state: string
  readonly tone: Tone
  readonly held: number
  readonly lag: number
  /** Handled in a second; undefined where that is not known yet. */
  readonly rate: number | undefined
  /** Failed attempts between the two looks. */
  readonly failed: number
}

const worst = ['stuck', 'probing', 'paused', 'behind', 'off', 'gone', 'live']

/** The marks of the parts, by their names. @param partOf the name of the part of a processor */
export function marksOf(now: Look, before: Look | undefined, partOf: (processor: string) => string): Map<string, Mark> {
  const marks = new Map<string, Mark>()
  const earlier = new Map(before?.rows.map((row) => [`${row.name} ${row.on}`, row.counts]))
  for (const { name, on, state, held, lag, counts } of now.rows) {
    const then = earlier.get(`${name} ${on}`)
    const rate = rateBetween({ at: now.at, count: counts?.handled }, before && { at: before.at, count: then?.handled })
    const failed = counts !== null && then != null ? grownSince(counts.failed, then.failed) : 0
    const key = partOf(name)
    const other = marks.get(key)
    const isWorse = other === undefined || worst.indexOf(state) < worst.indexOf(other.state)
    const shown = isWorse ? state : other.state
    marks.set(key, {
      state: shown,
      tone: stateWords[shown]?.tone ?? 'quiet',
      held: held + (other?.held ?? 0),
      lag: lag + (other?.lag ?? 0),
      rate: rate === undefined && other?.rate === undefined ? undefined : (rate ?? 0) + (other?.rate ?? 0),
      failed: failed + (other?.failed ?? 0),
    })
  }
  return marks
}

/** The part of a processor: itself, or the part whose name is before its first dot. */
export function partOfIn(nodes: readonly Pick<TopologyNode, 'name'>[]): (processor: string) => string {
  const names = new Set(nodes.map(({ name }) => name))
  return (processor) => {
    if (names.has(processor)) return processor
    const [first = processor] = processor.split('.')
    return names.has(first) ? first : processor
  }
}

/** One line below the name of a part: its trouble first, else its rate. */
export function markText({ state, held, lag, rate, failed }: Mark): string {
  const said = [
    held > 0 ? `${held.toLocaleString('en')} held` : '',
    state === 'live' || state === 'behind' ? '' : (stateWords[state]?.word ?? state),
    failed > 0 ? 'attempts fail' : '',
    lag > 0 ? `${lag.toLocaleString('en')} to do` : '',
    rateText(rate),
  ].filter((text) => text !== '')
  return said.slice(0, 3).join(' · ') || 'up to date'
}

/** The colour of a part on the map: what a person has to do comes before what passes by itself. */
export function toneOf({ held, tone, failed }: Mark): Tone {
  if (tone === 'failing') return tone
  return held > 0 ? 'held' : failed > 0 ? 'failing' : tone
}
