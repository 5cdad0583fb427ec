// Those who watch an app, and what they are told: one look a second, encoded once, the same bytes for all.
//
//   quiet ──the first comes──→ looking ──a second──→ looking ──the last has gone──→ quiet
//
// - While quiet nothing is read, and no timer is set: the engine has no part in it.
// - Looks do not overlap: one that takes long delays the next.
// - The id of a tick is the run of this watch and a number. Who comes back with the id of a tick in the ring is given what
//   came after it; who comes with any other id is told `reset`, and asks for everything anew.
// - The newest reading is kept while quiet: what changes in between is told by the next tick.
import { fault } from '../../model/errors.ts'
import { inBrief } from '../../model/people.ts'
import type { Edge } from '../../operate/edge.ts'
import type { Timer } from '../../seam/world.ts'
import type { Served } from '../served.ts'
import { changesOf, isAnew, type LiveEvent, look, type Reading } from './reading.ts'
import { Viewer } from './viewer.ts'

const tickMs = 1_000
/** A comment comes with every so many ticks, for what stands between and ends what is silent. */
const ticksPerComment = 15
const ringTicks = 300

interface Tick {
  readonly n: number
  readonly bytes: Uint8Array
  /** The pulse alone. */
  readonly pulse: Uint8Array
}

const encoder = new TextEncoder()
const comment = encoder.encode(':\n\n')
const reset = encoder.encode(frame(['reset', {}]))

function frame([name, data]: LiveEvent, id?: string): string {
  return `event: ${name}\n${id === undefined ? '' : `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`
}

export class Live {
  private readonly app: Served
  private readonly edge: Edge
  private readonly run: string
  private readonly viewers = new Set<Viewer>()
  private readonly ring: Tick[] = []
  private reading: Reading | undefined
  private looking: Promise<void> | undefined
  private timer: Timer | undefined
  /** The number of the newest tick. */
  private n = 0
  private ticks = 0
  /** The last error of a look that was logged. */
  private said = ''

  constructor(app: Served, edge: Edge) {
    this.app = app
    this.edge = edge
    this.run = edge.world.newId()
  }

  /**
   * Adds one who watches.
   *
   * @param seen the id of the last tick that it has, where it comes back
   * @throws `millrace/too-many-listeners`
   */
  add(seen: string | undefined, viewersMax: number): Viewer {
    const { viewers } = this
    if (viewers.size >= viewersMax) {
      throw fault('millrace/too-many-listeners', `${viewersMax} listeners are connected (listenersMax)`)
    }
    const viewer = new Viewer(this.firstFor(seen), () => this.remove(viewer))
    viewers.add(viewer)
    if (viewers.size === 1) this.begin()
    return viewer
  }

  /** Without an id the newest pulse, unless a look follows at once. */
  private firstFor(seen: string | undefined): Uint8Array[] {
    const last = this.ring.at(-1)
    const pulse = this.viewers.size > 0 && last !== undefined ? [last.pulse] : []
    if (seen === undefined) return [comment, ...pulse]
    const [, n] = seen.startsWith(`${this.run}-`) ? (/-(\d{1,15})$/.exec(seen) ?? []) : []
    const known = n !== undefined && Number(n) <= this.n && Number(n) >= (this.ring[0]?.n ?? 1) - 1
    if (!known) return [comment, reset, ...pulse]
    return [comment, ...this.ring.filter((tick) => tick.n > Number(n)).map(({ bytes }) => bytes)]
  }

  private begin(): void {
    void this.tick()
    const next = () => {
      this.timer = this.edge.world.after(tickMs, () => {
        next()
        void this.tick()
      })
    }
    next()
  }

  private remove(viewer: Viewer): void {
    if (!this.viewers.delete(viewer) || this.viewers.size > 0) return
    this.timer?.cancel()
    this.timer = undefined
  }

  private async tick(): Promise<void> {
    if (++this.ticks % ticksPerComment === 0) this.tell(comment)
    if (this.looking !== undefined) return
    this.looking = this.look()
    await this.looking
    this.looking = undefined
  }

  private async look(): Promise<void> {
    const { app, edge, reading: before } = this
    try {
      const now = await look(app, edge, before)
      this.reading = now
      const n = ++this.n
      const pulse: LiveEvent = ['pulse', now.pulse]
      const changes: LiveEvent[] = before === undefined ? [] : changesOf(before, now)
      if (before !== undefined && isAnew(before, now)) changes.unshift(['reset', {}])
      const id = `${this.run}-${n}`
      const bytes = encoder.encode(changes.map((change) => frame(change)).join('') + frame(pulse, id))
      this.ring.push({ n, bytes, pulse: changes.length === 0 ? bytes : encoder.encode(frame(pulse, id)) })
      if (this.ring.length > ringTicks) this.ring.shift()
      this.tell(bytes)
      this.said = ''
    } catch (error) {
      const text = inBrief(error)
      if (text !== this.said) edge.world.log('warn', `those who watch ${app.name} are told nothing: ${text}`)
      this.said = text
    }
  }

  private tell(bytes: Uint8Array): void {
    const now = this.edge.world.elapsed()
    for (const viewer of this.viewers) viewer.give(bytes, reset, now)
  }
}
