// The files of an app that is being developed: which it has loaded, and which of them has changed since.
//
// The process of the app reports each file that it loads, or tries to load, as it was before; the process that watches
// compares. So a change between the load and the first look is no less noticed. Packages do not count.
import { statSync, unwatchFile, watchFile } from 'node:fs'
import { registerHooks } from 'node:module'
import { fileURLToPath } from 'node:url'
import { isOfUser } from '../place-in.ts'

/** A file that an app has loaded, with the mark of its content then. */
export interface Loaded {
  readonly file: string
  readonly mark: string
}

/** The time between two looks at a file, milliseconds. */
const lookMs = 200

/** Reports each file of the app that this process loads from now on. */
export function reportLoads(report: (loaded: Loaded) => void): void {
  const loads = (url: string) => {
    if (!url.startsWith('file:')) return
    const file = fileURLToPath(url)
    if (isOfUser(file)) report(loadedOf(file))
  }
  registerHooks({
    resolve: (specifier, context, next) => {
      try {
        return next(specifier, context)
      } catch (error) {
        // The file may come.
        if (/^(\.|\/|file:)/.test(specifier)) loads(URL.parse(specifier, context.parentURL)?.href ?? '')
        throw error
      }
    },
    load: (url, context, next) => {
      loads(url)
      return next(url, context)
    },
  })
}

export function loadedOf(file: string): Loaded {
  const { mtimeMs, size } = statSync(file, { throwIfNoEntry: false }) ?? { mtimeMs: 0, size: 0 }
  return { file, mark: `${mtimeMs} ${size}` }
}

/** Watches the files that are reported to it. */
export class WatchedFiles {
  private readonly marks = new Map<string, string>()
  private readonly changed: (file: string) => void

  /** @param changed called with a file that is not as it was loaded */
  constructor(changed: (file: string) => void) {
    this.changed = changed
  }

  add({ file, mark }: Loaded): void {
    const isNew = !this.marks.has(file)
    this.marks.set(file, mark)
    if (isNew) watchFile(file, { interval: lookMs }, () => this.look(file))
    this.look(file)
  }

  end(): void {
    for (const file of this.marks.keys()) unwatchFile(file)
  }

  private look(file: string): void {
    const { mark } = loadedOf(file)
    if (mark === this.marks.get(file)) return
    this.marks.set(file, mark)
    this.changed(file)
  }
}
