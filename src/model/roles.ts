// The roles that people and programs have, and what each permits: servers, commands and pages show the same table.
/**
 * What a route needs. `see`: states and counts; `see-data`: the data of messages, masked; `see-secret`: also the fields
 * that are secret; `send`: publish events, send commands; `answer`: questions of flows; `repair`: one message at the
 * desk; `repair-many`: operations on many; `run`: pause, resume, retire, reset parts, and flows; `settings`: tokens.
 */
export type Permission = (typeof permissions)[number]

export const permissions = [
  'see',
  'see-data',
  'see-secret',
  'send',
  'answer',
  'repair',
  'repair-many',
  'run',
  'settings',
] as const

/** The permissions of each role. */
export const roles = {
  reader: ['see', 'see-data'],
  sender: ['send'],
  clerk: ['see', 'see-data', 'answer', 'repair'],
  operator: ['see', 'see-data', 'answer', 'repair', 'repair-many', 'run'],
  admin: permissions,
} as const satisfies Readonly<Record<string, readonly Permission[]>>

/** The name of a role. */
export type Role = keyof typeof roles
