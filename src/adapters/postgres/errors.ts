// What errors of the server mean for the store.
import { fault, isMillraceError, type MillraceError } from '../../model/errors.ts'
import { codeOf, textOf } from './connection.ts'

/** Conditions of the server that pass: it starts, stops, or has no connection to give. */
const away = ['57P01', '57P02', '57P03', '53300', '53200', '25006']
/** Two transactions were in each other's way: the same again may succeed. */
const collisions = ['40001', '40P01']
const leaseEnded = 'MRL01'
const unguarded = 'MRG01'

/** Errors after which it is unknown what is stored, or whose it is. */
const endings = ['millrace/ownership-lost', 'millrace/sync-failed', 'millrace/disk-failed']

/** An error of the store as one of Millrace: for a reason that may pass; undefined for any other error. */
export function storeTrouble(where: string, error: unknown): MillraceError | undefined {
  if (isMillraceError(error, 'millrace/server-away') || isMillraceError(error, 'millrace/locked')) return error
  const code = codeOf(error)
  if (code === undefined) return undefined
  const cause = { cause: error }
  if (code === '53100') return fault('millrace/disk-full', `cannot write ${where}: ${textOf(error)}`, cause)
  if (code === '55P03' || collisions.includes(code) || code === '57014') {
    return fault('millrace/locked', `another transaction is in the way of ${where}: ${textOf(error)}`, cause)
  }
  if (away.includes(code) || code.startsWith('08') || code === unguarded) {
    return fault('millrace/server-away', `${where}: ${textOf(error)}`, cause)
  }
  return undefined
}

/** An error that ends the run of the store, as one of Millrace; undefined for any other error. */
export function storeLost(where: string, error: unknown): MillraceError | undefined {
  if (codeOf(error) === leaseEnded) {
    return fault('millrace/ownership-lost', `another process has taken over ${where}`, { cause: error })
  }
  return isMillraceError(error) && endings.includes(error.code) ? error : undefined
}

export const notOpen = (where: string): MillraceError => fault('millrace/not-started', `${where} is not open`)
