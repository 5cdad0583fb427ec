// What a server of an app is told, and what it gives: the app and `src/http` both know it.

import type { EdgeNumbers, Optional, ServerNumbers } from '../model/options.ts'
import type { Asks } from './access/asks.ts'

/** Options of `app.serve`. */
export interface ServeOptions extends Optional<EdgeNumbers>, Optional<ServerNumbers> {
  /** The address that it listens on, default `127.0.0.1`. Where others reach it, `access` must be given. */
  readonly host?: string | undefined
  /** Tells who sends a request, by its headers; undefined for nobody, who gets a 401. */
  readonly access?: Asks | undefined
  /** A path before all of its paths, such as `/edge`; default: none. */
  readonly basePath?: string | undefined
}

/** A server, as `app.serve` gives it. */
export interface Serving {
  /** Where it is: `http://127.0.0.1:7070`. */
  readonly url: string
  /**
   * Closes it: requests under way are answered within the time, and no new ones are taken.
   *
   * @param graceMs the time for requests under way, milliseconds, default 1,000
   */
  close(graceMs?: number): Promise<void>
}

/** The same, as the app ends it. */
export interface OpenServer extends Serving {
  /** Takes no new connections; what waits for news answers at once. */
  stopTaking(): void
}
