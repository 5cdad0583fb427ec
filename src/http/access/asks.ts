// The one seam between the routes and who may use them.
import type { Who } from './permissions.ts'

/**
 * Tells who sends a request, by its headers; undefined for nobody: the request is refused with 401. What it throws is the
 * answer too. It is called before every route that not just anyone may use.
 */
export type Asks = (request: Request) => Who | undefined | Promise<Who | undefined>
