// What a server of an app is told, and what it gives: the app and `src/http` both know it.

import type { EdgeNumbers, Optional, ServerNumbers } from '../model/options.ts'
import type { GivenAccess } from './access/options.ts'

/** Options of `app.serve`. */
export interface ServeOptions extends Optional<EdgeNumbers>, Optional<ServerNumbers> {
  /** The address that it listens on, default `127.0.0.1`. Where others reach it, `access` must be given. */
  readonly host?: string | undefined
  /**
   * Who may use it: tokens, sign-in services and names of the server; or a function that tells who sends a request, by
   * its headers. Every route but `/health` and `/ready` asks for it. Default: the token of the file `FILE-token`, which
   * is made beside the file of the app for its owner only, and sessions that begin with `link`.
   */
  readonly access?: GivenAccess | undefined
  /** A path before all of its paths, such as `/edge`; default: none. */
  readonly basePath?: string | undefined
  /** The systems that may push events as CloudEvents webhooks, as of `gateway`. Default: none. */
  readonly webhookOrigins?: readonly string[] | undefined
}

/** A server, as `app.serve` gives it. */
export interface Serving {
  /** Where it is: `http://127.0.0.1:7070`. */
  readonly url: string
  /** The token of this machine; undefined where a function of yours decides. */
  readonly token: string | undefined
  /** The path of the file that has the token, for its owner only; undefined for an app without a file. */
  readonly tokenFile: string | undefined
  /**
   * Makes an address that signs a browser in: once, within 10 minutes.
   *
   * @returns the address; {@link Serving.url} where a function of yours decides
   */
  link(): string
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
