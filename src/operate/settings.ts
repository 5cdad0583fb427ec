// What an app is set to and what it stands on, for people who run it: its options, its versions, its disk.
import { readFileSync, statfsSync, statSync } from 'node:fs'
import { type AppNumbers, appNumbers } from '../model/options.ts'
import type { Edge } from './edge.ts'

/** An option of an app that is a number. */
export interface Setting {
  readonly name: keyof AppNumbers
  readonly value: number
  readonly default: number
  /** What it is, with its unit. */
  readonly what: string
}

/** The files of an app, and the room beside them. */
export interface DiskRoom {
  readonly file: string
  readonly bytes: number
  /** The size of the `-wal` file. */
  readonly walBytes: number
  readonly freeBytes: number
}

export interface Settings {
  readonly app: string
  /** The version of its code; null where it says none. */
  readonly version: string | null
  /** The version of Millrace. */
  readonly millrace: string
  /** The version of Node.js. */
  readonly node: string
  readonly options: readonly Setting[]
  /** Null where its store is no file, or there is none yet. */
  readonly disk: DiskRoom | null
}

export interface SettingsOf {
  readonly name: string
  readonly version: string | undefined
}

export function settingsOf({ name, version }: SettingsOf, edge: Pick<Edge, 'numbers' | 'offline'>): Settings {
  const numbers = edge.numbers()
  const names = Object.keys(appNumbers) as (keyof AppNumbers)[]
  return {
    app: name,
    version: version ?? null,
    millrace: packageVersion(),
    node: process.versions.node,
    options: names.map((one) => {
      const { default: preset, what } = appNumbers[one]
      return { name: one, value: numbers[one], default: preset, what }
    }),
    disk: diskOf(edge.offline()?.controlPath),
  }
}

function diskOf(file: string | undefined): DiskRoom | null {
  const size = (path: string) => statSync(path, { throwIfNoEntry: false })?.size
  const bytes = file === undefined ? undefined : size(file)
  if (file === undefined || bytes === undefined) return null
  const { bavail, bsize } = statfsSync(file)
  return { file, bytes, walBytes: size(`${file}-wal`) ?? 0, freeBytes: bavail * bsize }
}

function packageVersion(): string {
  const file = new URL('../../package.json', import.meta.url)
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version
}
