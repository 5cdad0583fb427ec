import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { loading } from '../control/loading.ts'
import { type App, isMillraceError, MillraceError } from '../index.ts'
import { textOf } from './output.ts'
import { placeIn } from './place-in.ts'

/**
 * Loads the app that a file exports as default.
 *
 * @throws `millrace/no-app`, `millrace/bad-app`
 */
export async function loadApp(path: string): Promise<App> {
  return (await loadModule(path)).app
}

export interface AppModule {
  readonly app: App
  /** All exports of the file, by name. */
  readonly exported: Readonly<Record<string, unknown>>
}

/** Loads like `loadApp`, and returns the other exports of the file too. */
export async function loadModule(path: string): Promise<AppModule> {
  const file = resolve(path)
  if (!existsSync(file)) throw new MillraceError('millrace/no-app', `there is no file ${path}`)
  let exported: Readonly<Record<string, unknown>>
  try {
    exported = await loading(path, () => import(pathToFileURL(file).href))
  } catch (error) {
    if (isMillraceError(error)) throw error
    throw new MillraceError('millrace/bad-app', `${path} cannot be loaded: ${whyNot(error)}`, { cause: error })
  }
  const { default: found } = exported
  if (isApp(found)) return { app: found, exported }
  if (found !== undefined) throw new MillraceError('millrace/bad-app', `what ${path} exports as default is no app`)
  const named = Object.keys(exported).find((name) => isApp(exported[name]))
  const hint = named === undefined ? '' : ` (but an app as "${named}")`
  throw new MillraceError('millrace/bad-app', `${path} exports nothing as default${hint}`)
}

/** Recognises an app by its methods, not by its class: the file may use its own copy of Millrace. */
function isApp(value: unknown): value is App {
  try {
    const { start, stop, publish, parts, broker } = (value ?? {}) as Partial<App>
    const functions = [start, stop, publish].every((one) => typeof one === 'function')
    return functions && Array.isArray(parts) && typeof broker === 'object'
  } catch {
    // An export may throw when it is read.
    return false
  }
}

/** Explains a failure to load in one line, with the place in the file where it is known. */
function whyNot(error: unknown): string {
  const [message] = textOf(error).split('\n')
  if (!Error.isError(error)) return message!
  try {
    const place = placeIn(String(error.stack))
    const near = place === undefined || message!.includes(place) ? '' : ` at ${place}`
    const hint = /outside a module/.test(message!) ? ' (package.json has to say "type": "module")' : ''
    return `${error.name}: ${message}${near}${hint}`
  } catch {
    return message!
  }
}
