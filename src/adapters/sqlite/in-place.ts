// The files of one store: whether those that it has open are still those that the next start opens.
//
//   none ──open──→ open ──another file in the place──→ replaced (told once a sync fails of it)
//                    └──closed in the middle of something──→ left: the next opening takes these files, and no others
import type { OpenFile } from './disk.ts'
import { misplacedFault } from './errors.ts'
import { misplaced, openFiles } from './open-files.ts'

/** The database and the -wal of a store that was closed in the middle of something. The stores of a broker share it. */
export interface Left {
  files: readonly OpenFile[]
}

export class FilesInPlace {
  private readonly left: Left
  private state: 'none' | 'open' | 'replaced' = 'none'
  /** The files that are open; the first two hold what was accepted. */
  files: readonly OpenFile[] = []

  constructor(left: Left) {
    this.left = left
  }

  /** @throws `millrace/files-replaced` where other files are in the place of those that were left */
  takeLeft(): void {
    const why = misplaced(this.left.files)
    this.left.files = []
    if (why !== undefined) throw misplacedFault(why)
  }

  /** Call right after the database was opened. `name` is the path that the next start opens. */
  opened(file: string, name: string): void {
    this.files = openFiles(file, name)
    this.state = 'open'
  }

  /** Why the next start would not find what is written; undefined while it would. */
  misplaced(): string | undefined {
    return this.state === 'none' ? undefined : misplaced(this.files)
  }

  /** @throws `millrace/files-replaced` */
  check(): void {
    const why = this.misplaced()
    if (why !== undefined) throw misplacedFault(why)
  }

  /** Others have heard that files were replaced: the next opening asks no more. */
  replaced(): void {
    if (this.state === 'open') this.state = 'replaced'
  }

  closed(end: 'clean' | 'left'): void {
    if (end === 'left' && this.state === 'open') this.left.files = this.files.slice(0, 2)
    this.state = 'none'
  }
}
