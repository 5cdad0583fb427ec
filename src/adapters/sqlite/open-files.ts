// Whether the files that an app writes are still those that the next start will read. Somebody may move, remove or
// replace them while they are open; what is written then is found by nobody. A copy of the files made inside the process
// drops the locks of SQLite: another program may take itself for the last one and remove the -wal, another process may
// take itself for the owner.
import { statSync } from 'node:fs'
import type { OpenFile } from '../../seam/disk.ts'

/**
 * The files of a database, as they are at the moment: call it right after the database was opened. The first two, the
 * database and its -wal, hold what was accepted. `name` is what the next start opens, which may be a link to the file.
 */
export function openFiles(file: string, name: string): OpenFile[] {
  return [name, `${file}-wal`, `${file}-shm`, `${file}-owner`].flatMap((path) => {
    const found = statSync(path, { throwIfNoEntry: false })
    if (found === undefined) return []
    const { dev, ino, mtimeMs: writtenAt } = found
    return [path.endsWith('-owner') ? { path, dev, ino, writtenAt } : { path, dev, ino }]
  })
}

/** Why a start would not find these files, or has taken them; undefined where all are as they were. */
export function misplaced(files: readonly OpenFile[]): string | undefined {
  for (const { path, dev, ino, writtenAt } of files) {
    try {
      const found = statSync(path, { throwIfNoEntry: false })
      if (found === undefined) return `${path} was removed or moved`
      if (found.ino !== ino || found.dev !== dev) return `another file was put in the place of ${path}`
      // The lock on it was dropped: by a copy that this process has made of it.
      if (writtenAt !== undefined && found.mtimeMs !== writtenAt) return `another process has written ${path}`
    } catch (error) {
      return `${path} cannot be found (${(error as { code?: string }).code})`
    }
  }
  return undefined
}
