import { inspect } from 'node:util'
import type { AppOptions } from 'millrace'

/** Lines for operators. That an invoice was refused is none: the summary counts them, and the desk shows each. */
export const log: NonNullable<AppOptions['log']> = (level, text, fields = {}) => {
  if (level === 'info' || fields['code'] === 'refused') return
  process.stderr.write(`${level}: ${text} ${inspect(fields, { breakLength: Infinity })}\n`)
}
