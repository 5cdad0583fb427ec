// The one seam between the routes and who may use them.
import type { Who } from './permissions.ts'

/**
 * Tells who sends a request, by its headers; undefined for nobody: the request is refused with 401. What it throws is the
 * answer too. It is called before every route that not just anyone may use. `from` is the address of the caller, empty
 * where it is not known; behind a proxy it is that of the proxy.
 */
export type Asks = (request: Request, from: string) => Who | undefined | Promise<Who | undefined>
