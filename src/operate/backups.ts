// The copies that an app makes of its store, so that a stop and a start know of them.
import { resolve } from 'node:path'
import { fault } from '../model/errors.ts'
import type { AppState, StoreCopies } from '../seam/offline.ts'

/** A copy of the file of an app. */
export interface Backup {
  /** Where it is, as an absolute path. */
  readonly path: string
  /** Its size. */
  readonly bytes: number
}

export class Backups {
  private readonly underWay = new Map<Promise<unknown>, AbortController>()

  /** Copies a store; `app` is the state of its app, which is of this process. Errors: those of `StoreCopies.copyTo`. */
  make(copies: StoreCopies, to: string, app: AppState): Promise<Backup> {
    const path = checkPath(to)
    const controller = new AbortController()
    const made = copies.copyTo(path, { app, signal: controller.signal }).then((bytes) => ({ path, bytes }))
    const end = () => void this.underWay.delete(ended)
    const ended: Promise<void> = made.then(end, end)
    this.underWay.set(ended, controller)
    return made
  }

  /** Aborts the running copies; resolves when they have ended. Undefined where none runs. */
  abort(): Promise<void> | undefined {
    if (this.underWay.size === 0) return undefined
    for (const controller of this.underWay.values()) controller.abort()
    return this.ended()
  }

  /** Resolves when those under way have ended, whether well or not. */
  async ended(): Promise<void> {
    await Promise.all(this.underWay.keys())
  }
}

function checkPath(path: unknown): string {
  if (typeof path === 'string' && path !== '' && !path.includes('\0')) return resolve(path)
  throw fault('millrace/bad-option', `backup: path must be the path of a file, not ${JSON.stringify(path)}`)
}
