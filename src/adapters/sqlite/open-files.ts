// Looks whether the files that an app writes are still those that the next start will read. A person may move, remove or
// replace them while they are open; the writes that follow are lost then. A copy of the files made inside the process
// drops the locks of SQLite: another program may then believe that it is the last one and remove the -wal, and another
// process may believe that it is the owner.
import { type Stats, statSync } from 'node:fs'
import { dirname } from 'node:path'
import type { OpenFile } from './disk.ts'

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

/** Says why a start would not find these files, or has taken them; undefined where all are as they were. */
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

type Folder = Pick<Stats, 'dev' | 'ino' | 'mtimeMs'>

/** On every file system a folder changed this long ago, milliseconds, gets another time with its next change. */
const settledMs = 100

/**
 * Looks at the same files again and again. A glance reads only the time of their folder, which changes when a name in it
 * is removed, moved or made. A `stat` of the `-wal` each time costs too much: on newer kernels of Linux its next write
 * then writes its times too, and the sync takes half as long again.
 */
export class FilesLook {
  private readonly files: readonly OpenFile[]
  /** The name of the database where that is a link, which may lie in another folder. */
  private readonly linked: readonly OpenFile[]
  private readonly folder: string
  /** The folder as it was when all files were in place; undefined while it may change and keep its time. */
  private settled: Folder | undefined

  constructor(file: string, files: readonly OpenFile[]) {
    this.files = files
    this.linked = files.filter(({ path }, index) => index === 0 && path !== file)
    this.folder = dirname(file)
  }

  /** As `misplaced`, but a write into the `-owner`, which leaves its folder as it is, is not noticed. */
  glance(): string | undefined {
    const { settled } = this
    const found = folderAt(this.folder)
    if (settled !== undefined && found !== undefined && isSame(found, settled)) return misplaced(this.linked)
    return this.lookAt(found)
  }

  /** As `misplaced`: looks at each of the files. */
  misplaced(): string | undefined {
    return this.lookAt(folderAt(this.folder))
  }

  private lookAt(found: Folder | undefined): string | undefined {
    const isSettled = found !== undefined && Date.now() - found.mtimeMs > settledMs
    this.settled = isSettled ? found : undefined
    return misplaced(this.files)
  }
}

function folderAt(path: string): Folder | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false })
  } catch {
    // The look at its files finds the reason.
    return undefined
  }
}

const isSame = (a: Folder, b: Folder) => a.mtimeMs === b.mtimeMs && a.ino === b.ino && a.dev === b.dev
