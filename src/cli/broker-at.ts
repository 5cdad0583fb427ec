// The store that a word names: the URL of a database, or the path of a file.
import { type Broker, MillraceError, sqlite } from '../index.ts'

export async function brokerAt(word: string): Promise<Broker> {
  if (!/^postgres(ql)?:\/\//.test(word)) return sqlite({ file: word })
  try {
    const { postgres } = await import('../adapters/postgres/index.ts')
    return postgres({ url: word })
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'ERR_MODULE_NOT_FOUND') throw error
    throw new MillraceError('millrace/bad-option', 'PostgreSQL is reached by the package pg: npm install pg', {
      cause: error,
    })
  }
}
