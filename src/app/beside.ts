// What stands beside the run of an app: copies of its file, its servers, its socket for commands, the samples of its last hour.
import { type Control, openControl } from '../control/server.ts'
import type { ServeOptions, Serving } from '../http/serving.ts'
import { messageOf } from '../model/people.ts'
import { Backups } from '../operate/backups.ts'
import { type SeriesHost, SeriesRing } from '../operate/series.ts'
import type { Broker } from '../seam/store.ts'
import type { World } from '../seam/world.ts'
import { Servers } from './serving.ts'

type Reached = Parameters<typeof openControl>[0] & Parameters<Servers['serve']>[0]

export class Beside {
  readonly backups = new Backups()
  readonly ring: SeriesRing
  private readonly servers = new Servers()
  private readonly world: Pick<World, 'log'>

  constructor(world: World, look: SeriesHost['look']) {
    this.world = world
    this.ring = new SeriesRing({ world, look })
  }

  async serve(app: Reached, options: ServeOptions): Promise<Serving> {
    const serving = await this.servers.serve(app, options)
    this.ring.begin()
    return serving
  }

  /** Opens the socket for commands. The app works without it: what is in the way is only told. */
  async control(app: Reached, { offline }: Broker, accept: () => Promise<boolean>): Promise<Control | undefined> {
    if (offline?.controlPath === undefined) return undefined
    const warn = (text: string) => this.world.log('warn', text)
    try {
      const control = await openControl(app, offline, accept, warn)
      this.ring.begin()
      return control
    } catch (error) {
      warn(`app "${app.name}" cannot be reached by commands: ${messageOf(error)}`)
      return undefined
    }
  }

  /** Nothing new comes in: the app stops. */
  stopTaking(): void {
    this.servers.stopTaking()
    this.ring.end()
  }

  end(): Promise<void> {
    return this.servers.end()
  }
}
