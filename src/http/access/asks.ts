// The one seam between the routes and who may use them.
import type { Who } from './permissions.ts'

/**
 * Tells who sends a request, by its headers. It returns undefined for an unknown sender, whose request is refused with
 * 401. An error that it throws is the answer. It is called before every route that asks for a sender. `from` is the
 * address of the caller, empty where it is not known; behind a proxy it is that of the proxy.
 */
export type Asks = (request: Request, from: string) => Who | undefined | Promise<Who | undefined>
