// How the processors did in the last hour: samples of their counters, kept in memory while commands or pages can ask.
//
//   quiet ──begin──→ sampling ──stepMs──→ sampling ──end──→ quiet
//
// Bound: 240 samples, one every 15 seconds; the oldest leaves. A sample of a processor is four numbers. While the app does
// not run nothing is sampled, so that a gap of time is a gap in `at`. What is counted begins anew with a run of the engine.
import type { Counts } from '../model/metrics.ts'
import type { Timer, World } from '../seam/world.ts'

/** The samples of the last hour, the oldest first. */
export interface Series {
  /** The time between two samples, milliseconds. They are further apart where the app did not run. */
  readonly stepMs: number
  /** The times of the samples, milliseconds since 1970; at most 240. */
  readonly at: readonly number[]
  readonly parts: readonly PartSeries[]
}

/** The samples of one processor on one topic or channel, each list as long as `at` of {@link Series}. */
export interface PartSeries {
  readonly name: string
  /** The name of its topic or channel. */
  readonly on: string
  /** Messages handled in a second, on average since the sample before. Null where it did not run. */
  readonly perSecond: readonly (number | null)[]
  /** Failed attempts since the sample before. */
  readonly failed: readonly (number | null)[]
  /** Messages of its topic or channel that it has not done. */
  readonly lag: readonly (number | null)[]
  /** The average critical time of what was handled since the sample before, milliseconds; null where nothing was. */
  readonly criticalMs: readonly (number | null)[]
}

/** A processor as it is sampled. */
export interface Sampled {
  readonly name: string
  readonly destination: string
  readonly lag: number
  readonly counts: Counts
}

export interface SeriesHost {
  readonly world: Pick<World, 'now' | 'after'>
  /** The processors that run; throws while the app does not run. */
  look(): readonly Sampled[]
}

type Point = readonly [perSecond: number, failed: number, lag: number, criticalMs: number | null]

interface Sample {
  readonly at: number
  readonly points: ReadonlyMap<string, Point>
}

interface Look {
  readonly at: number
  readonly rows: ReadonlyMap<string, Sampled>
}

const stepMs = 15_000
const samplesMax = 240

export class SeriesRing {
  private readonly host: SeriesHost
  private readonly samples: Sample[] = []
  private before: Look | undefined
  private timer: Timer | undefined

  constructor(host: SeriesHost) {
    this.host = host
  }

  /** Begins to sample; nothing where it does already. */
  begin(): void {
    if (this.timer !== undefined) return
    this.before = this.look()
    this.wait()
  }

  end(): void {
    this.timer?.cancel()
    this.timer = undefined
    this.before = undefined
    this.samples.length = 0
  }

  /** The samples, of one processor or of all that run or ran in this time. */
  series(processor?: string): Series {
    const { samples } = this
    const keys = new Set(samples.flatMap(({ points }) => [...points.keys()]))
    const parts = [...keys].flatMap((key): PartSeries[] => {
      const [name = '', on = ''] = key.split(' ')
      if (processor !== undefined && name !== processor) return []
      const column = (n: number) => samples.map(({ points }) => points.get(key)?.[n] ?? null)
      return [{ name, on, perSecond: column(0), failed: column(1), lag: column(2), criticalMs: column(3) }]
    })
    return { stepMs, at: samples.map(({ at }) => at), parts }
  }

  private wait(): void {
    this.timer = this.host.world.after(stepMs, () => {
      this.wait()
      this.sample()
    })
  }

  private sample(): void {
    const { before } = this
    const now = this.look()
    this.before = now
    if (now === undefined) return
    const ms = now.at - (before?.at ?? now.at - stepMs)
    const points = [...now.rows].map(([key, row]) => [key, pointOf(row, before?.rows.get(key), ms)] as const)
    this.samples.push({ at: now.at, points: new Map(points) })
    if (this.samples.length > samplesMax) this.samples.shift()
  }

  private look(): Look | undefined {
    try {
      const byName = this.host.look().map((row) => [`${row.name} ${row.destination}`, row] as const)
      return { at: this.host.world.now(), rows: new Map(byName) }
    } catch {
      return undefined
    }
  }
}

function pointOf({ lag, counts }: Sampled, before: Sampled | undefined, ms: number): Point {
  // Counters that are smaller than before began anew.
  const then = before === undefined || before.counts.handled > counts.handled ? undefined : before.counts
  const handled = counts.handled - (then?.handled ?? 0)
  const failed = counts.failed - (then?.failed ?? 0)
  const timed = counts.critical.count - (then?.critical.count ?? 0)
  const sumMs = counts.critical.sumMs - (then?.critical.sumMs ?? 0)
  const perSecond = ms > 0 ? rounded((handled / ms) * 1_000) : 0
  return [perSecond, Math.max(0, failed), lag, timed > 0 ? rounded(sumMs / timed) : null]
}

const rounded = (n: number) => Math.round(n * 1_000) / 1_000
