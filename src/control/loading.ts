// A command loads the file of an app to look at it. An app that starts there would handle messages, and keep the command
// from ending.
import { commandLine } from '../model/command-line.ts'
import { fault } from '../model/errors.ts'

/** Under a symbol of the whole process, since the file may use its own copy of Millrace. */
const key = Symbol.for('millrace.loading')
const shared = globalThis as { [key]?: string | undefined }

/** Loads a module. Until its end no app of this process starts. */
export async function loading<T>(path: string, load: () => Promise<T>): Promise<T> {
  shared[key] = path
  try {
    return await load()
  } finally {
    shared[key] = undefined
  }
}

/** Errors: `millrace/bad-app` while a command loads a file. */
export function checkNotLoading(app: string): void {
  const path = shared[key]
  if (path === undefined) return
  const how = `let it \`export default\` the app, and start the app only \`if (import.meta.main)\`, in another file, or by \`${commandLine(`start ${path}`)}\``
  throw fault('millrace/bad-app', `${path} starts app "${app}" when it is loaded: ${how}`)
}
