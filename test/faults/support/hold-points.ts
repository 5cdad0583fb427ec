/** Where the process dies, in the life of a held message and the line behind it. */
export const holdPoints = [
  'before a hold',
  'when it holds',
  'after a hold',
  'before a release',
  'during a release',
  'after a release',
  'while a released message runs',
  'during a drain',
  'in a commit during a drain',
] as const
