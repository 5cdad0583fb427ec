// Where the lines of an app go: to a function, to a logger that is called as pino's, or to standard error.
import { fault } from '../../model/errors.ts'
import type { World } from '../../seam/world.ts'
import { printLog } from './print-log.ts'

/** A logger that is called as that of pino: the fields first, then the text. */
export interface Logger {
  debug(fields: Readonly<Record<string, unknown>>, text: string): unknown
  info(fields: Readonly<Record<string, unknown>>, text: string): unknown
  warn(fields: Readonly<Record<string, unknown>>, text: string): unknown
  error(fields: Readonly<Record<string, unknown>>, text: string): unknown
}

const levels = ['debug', 'info', 'warn', 'error'] as const

/** @throws `millrace/bad-option` */
export function checkLog(where: string, log: unknown): void {
  if (log === undefined || typeof log === 'function') return
  const missing = levels.filter((level) => typeof (log as Logger | null)?.[level] !== 'function')
  if (missing.length === 0) return
  const what = 'log must be a function, or an object with the functions debug, info, warn and error'
  throw fault(
    'millrace/bad-option',
    `${where}: ${what}${typeof log === 'object' ? `; it lacks ${missing.join(', ')}` : ''}`,
  )
}

/** The log of an app, which one start may replace. */
export class AppLog {
  private readonly own: World['log'] | Logger | undefined
  private write: World['log']

  constructor(own: World['log'] | Logger | undefined) {
    this.own = own
    this.write = writing(own)
  }

  /** Takes the lines from now on, in place of the log of the app; undefined gives them back to that. */
  use(other: World['log'] | Logger | undefined): void {
    this.write = writing(other ?? this.own)
  }

  /** The same function at all times. It returns what the log returns, which may be a promise. */
  readonly line: World['log'] = (level, text, fields) => this.write(level, text, fields)
}

function writing(log: World['log'] | Logger | undefined): World['log'] {
  if (log === undefined) return printLog
  return typeof log === 'function' ? log : (level, text, fields = {}) => log[level](fields, text)
}
