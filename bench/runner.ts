import type { Case, Found, Preparation, Run } from './cases.ts'
import type { Measure } from './child.ts'
import { medians } from './measure.ts'
import type { Peer } from './peers/peers.ts'
import type { Place } from './place.ts'
import type { Figures, Span } from './task.ts'

/** What the runner needs from outside. */
export interface Bench {
  place: Place
  measure: Measure
  peers: readonly Peer[]
  span: Span
  progress: (text: string) => void
  /** Told when a run fails; the others go on. */
  failed: (what: string, error: unknown) => void
}

interface Prepared {
  folder: string
  figures: Figures
}

/** Runs cases one after the other and keeps what was prepared for one for those that come later. */
export class Runner {
  readonly #bench: Bench
  readonly #prepared = new Map<string, Promise<Prepared>>()

  constructor(bench: Bench) {
    this.#bench = bench
  }

  /** All rounds of a case. What fails once is left out of the rest. */
  async run(todo: Case): Promise<Found> {
    const title = todo.lines[0]!.name
    const prepared = todo.prepare && (await this.#prepare(todo.prepare, title))
    if (todo.prepare && !prepared) return { columns: {}, peers: new Map() }

    const own = new Map(Object.entries(todo.runs))
    const peers = this.#peerRuns(todo)
    const figures = await this.#interleave(title, todo.rounds, new Map([...own, ...peers]), prepared)
    const found = (names: Iterable<string>) => [...names].filter((name) => figures.has(name))
    return {
      columns: {
        ...Object.fromEntries(found(own.keys()).map((name) => [name, medians(figures.get(name)!)])),
        ...(prepared && { prepared: prepared.figures }),
      },
      peers: new Map(found(peers.keys()).map((name) => [name, medians(figures.get(name)!)])),
    }
  }

  #peerRuns({ server, peerLoad, peerFlows }: Case): Map<string, Run> {
    const { peers, span } = this.#bench
    const same = peers.filter((peer) => peer.server === server)
    const tasks = same.flatMap(({ name, task, flows }): [string, Run][] => [
      ...(peerLoad && task ? [[name, { task: task({ ...peerLoad, ...span }) }] as [string, Run]] : []),
      ...(peerFlows && flows ? [[name, { task: flows({ ...peerFlows, ...span }) }] as [string, Run]] : []),
    ])
    return new Map(tasks)
  }

  /**
   * Each round takes every run once, every other round the other way round, because the speed of a machine drifts
   * while it is measured. Runs that are the same are measured once in a round.
   */
  async #interleave(
    title: string,
    rounds: number,
    runs: ReadonlyMap<string, Run>,
    prepared: Prepared | undefined,
  ): Promise<Map<string, Figures[]>> {
    const found = new Map<string, Figures[]>([...runs.keys()].map((name) => [name, []]))
    for (let round = 0; round < rounds; round++) {
      const measured = new Map<string, Figures>()
      for (const name of round % 2 === 0 ? [...found.keys()] : [...found.keys()].reverse()) {
        const run = runs.get(name)!
        const same = JSON.stringify(run)
        try {
          if (!measured.has(same)) {
            this.#bench.progress(`${title}: round ${round + 1} of ${rounds}, ${name}`)
            measured.set(same, await this.#measure(run, prepared))
          }
          found.get(name)!.push(measured.get(same)!)
        } catch (error) {
          found.delete(name)
          this.#bench.failed(`${title}, ${name}`, error)
        }
      }
    }
    return found
  }

  async #measure({ task, on }: Run, prepared: Prepared | undefined): Promise<Figures> {
    const { place, measure } = this.#bench
    if (on === 'prepared') return measure(task, prepared!.folder)
    const folder = on === 'copy' ? place.copy(prepared!.folder) : place.next()
    try {
      return await measure(task, folder)
    } finally {
      place.remove(folder)
    }
  }

  #prepare({ name, task }: Preparation, title: string): Promise<Prepared | undefined> {
    const { place, measure, progress, failed } = this.#bench
    if (!this.#prepared.has(name)) {
      progress(`${title}: preparing`)
      const folder = place.next()
      this.#prepared.set(
        name,
        measure(task, folder).then((figures) => ({ folder, figures })),
      )
    }
    return this.#prepared.get(name)!.catch((error) => {
      failed(`${title}, preparing`, error)
      return undefined
    })
  }
}
