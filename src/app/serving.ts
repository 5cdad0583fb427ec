// The HTTP servers of apps. What serves is loaded when the first app asks for it.
import type { Served } from '../http/served.ts'
import type { OpenServer, ServeOptions, Serving } from '../http/serving.ts'
import { fault } from '../model/errors.ts'

/** The servers of one app. */
export class Servers {
  private readonly open = new Set<OpenServer>()
  /** The number of stops: a server that was being opened at one is closed again. */
  private stops = 0

  async serve(app: Served, options: ServeOptions): Promise<Serving> {
    if (typeof options !== 'object' || options === null) {
      throw fault('millrace/bad-option', 'serve: options must be an object')
    }
    const { stops } = this
    const { openServer } = await import('../http/server.ts')
    const server = await openServer(app, options)
    const { url, token, tokenFile } = server
    const close = async (graceMs?: number) => {
      this.open.delete(server)
      await server.close(graceMs)
    }
    if (this.stops === stops) this.open.add(server)
    else await close(0)
    return { url, token, tokenFile, link: () => server.link(), close }
  }

  /** No server takes a new connection, and what waits for news is answered. */
  stopTaking(): void {
    this.stops++
    for (const server of this.open) server.stopTaking()
  }

  /** Resolves when all are closed. */
  async end(): Promise<void> {
    await Promise.all([...this.open].map((server) => server.close()))
    this.open.clear()
  }
}
