// The values of node:sqlite. They are not imported: a Node.js without that module would fail before our code can say
// why.
import type sqlite from 'node:sqlite'

export const { DatabaseSync, constants } = process.getBuiltinModule('node:sqlite')
export type DatabaseSync = sqlite.DatabaseSync
