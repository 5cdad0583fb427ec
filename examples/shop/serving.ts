import { type App, isMillraceError, type Serving } from 'millrace'

/**
 * Serves the shop over HTTP, on this machine. Without a port it is 7070, or a free one where another program has that.
 * Throws where the port that was named is taken.
 */
export async function serve(shop: App, port: number | undefined): Promise<Serving> {
  try {
    return await shop.serve({ port })
  } catch (error) {
    if (port !== undefined || !isMillraceError(error, 'millrace/port-in-use')) throw error
    return shop.serve({ port: 0 })
  }
}
