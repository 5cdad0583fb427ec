// Checks of the arguments that a function gives to the steps of its flow.
import { fault } from '../../model/errors.ts'

/** Refuses an empty text. Errors: `millrace/bad-option`. */
export function checkTexts(where: string, texts: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(texts)) {
    if (typeof value === 'string' && value !== '') continue
    throw fault('millrace/bad-option', `${where}: ${name} must be a text`)
  }
}

/** Refuses an undo that is no function. Errors: `millrace/bad-option`. */
export function checkUndo(where: string, undo: unknown): void {
  if (undo !== undefined && typeof undo !== 'function') {
    throw fault('millrace/bad-option', `${where}: undo must be a function`)
  }
}

/** Refuses a time below zero, and one that is no number. Errors: `millrace/bad-time`. */
export function checkMs(where: string, name: string, ms: unknown): asserts ms is number {
  if (typeof ms === 'number' && Number.isFinite(ms) && ms >= 0) return
  const is = typeof ms === 'number' ? String(ms) : `of type ${typeof ms}`
  throw fault('millrace/bad-time', `${where}: ${name} is ${is}, but must be milliseconds from 0 on`)
}
