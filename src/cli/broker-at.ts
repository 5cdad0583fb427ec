// The store that a word names: the URL of a database, or the path of a file.
import { type Broker, MillraceError, sqlite } from '../index.ts'

export async function brokerAt(word: string): Promise<Broker> {
  if (!/^postgres(ql)?:\/\//.test(word)) return sqlite({ file: word })
  const { postgres } = await onPostgres(() => import('../adapters/postgres/index.ts'))
  return postgres({ url: word })
}

/**
 * Loads what needs the package of the client, which an app on a file does not have.
 *
 * @throws `millrace/bad-option` where it is missing
 */
export async function onPostgres<Module>(load: () => Promise<Module>): Promise<Module> {
  try {
    return await load()
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'ERR_MODULE_NOT_FOUND') throw error
    throw new MillraceError('millrace/bad-option', 'PostgreSQL is reached by the package pg: npm install pg', {
      cause: error,
    })
  }
}
