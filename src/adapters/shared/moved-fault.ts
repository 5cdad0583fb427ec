import { fault, type MillraceError } from '../../model/errors.ts'

export function movedFault(where: string, to: string): MillraceError {
  return fault('millrace/data-moved', `the data of ${where} have moved to ${to}`, { data: { to } })
}
