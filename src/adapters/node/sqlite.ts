// The values of node:sqlite. They are no `import`: a Node.js without it fails at that before any of our code can say why.
import type sqlite from 'node:sqlite'

export const { DatabaseSync, constants } = process.getBuiltinModule('node:sqlite')
export type DatabaseSync = sqlite.DatabaseSync
