// This module runs first: later code would fail on an older Node.js with an error that does not mention the version.
import { fault } from '../../model/errors.ts'

/** The oldest version of Node.js that has all that Millrace uses; as in package.json and bin/millrace.js. */
export const oldest = '24.15.0'

/** Refuses a Node.js older than `oldest`. Errors: `millrace/old-node`. */
export function checkVersion(version: string): void {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const [majorMin = 0, minorMin = 0] = oldest.split('.').map(Number)
  if (major > majorMin || (major === majorMin && minor >= minorMin)) return
  const what = `millrace needs Node.js ${majorMin}.${minorMin} or later, this is ${version} (${process.execPath})`
  throw fault('millrace/old-node', what)
}

checkVersion(process.versions.node)
