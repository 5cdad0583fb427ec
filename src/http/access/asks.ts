// The one seam between the routes and who may use them.
import { fault } from '../../model/errors.ts'
import { messageOf } from '../../model/people.ts'
import { checkWho, type Who } from '../../model/permissions.ts'

/**
 * Tells who sends a request, by its headers. It returns undefined for an unknown sender, whose request is refused with
 * 401. An error that it throws is the answer. It is called before every route that asks for a sender. `from` is the
 * address of the caller, empty where it is not known; behind a proxy it is that of the proxy.
 */
export type Asks = (request: Request, from: string) => Who | undefined | Promise<Who | undefined>

/**
 * A function of the user's whose answers are checked, so that nobody acts without a name, or with a role that there is
 * not. Errors: `millrace/bad-access`.
 */
export function checkedAsks(where: string, access: Asks): Asks {
  return async (request, from) => {
    const who: unknown = await access(request, from)
    if (who === undefined) return undefined
    try {
      return checkWho(`${where}: the answer of access`, who)
    } catch (error) {
      throw fault('millrace/bad-access', messageOf(error))
    }
  }
}
