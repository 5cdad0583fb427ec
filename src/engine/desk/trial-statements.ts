// The statements of a trial with their answers, bounded: beyond the bounds they are counted only.

import type { TrialStatement } from '../../model/desk-trials.ts'
import type { ErrorRecord } from '../../model/error-record.ts'
import { recordError } from '../../model/errors.ts'
import type { Ran } from '../../seam/commit.ts'

/** A statement, and what the store answered. */
export interface Answered {
  readonly where: TrialStatement['where']
  /** White space collapsed. */
  readonly text: string
  readonly values: readonly unknown[]
  readonly rows: readonly object[]
  readonly changed: number
  readonly error: ErrorRecord | null
}

const listedMax = 1_000
const bytesMax = 1_000_000

export class TrialStatements {
  count = 0
  readonly listed: Answered[] = []
  private bytes = 0

  add(where: TrialStatement['where'], { text, values, rows, changed, error }: Ran): void {
    this.count++
    this.bytes += sizeOf(text) + sizeOf(values) + sizeOf(rows)
    if (this.listed.length >= listedMax || this.bytes > bytesMax) return
    const said = error === undefined ? null : recordError(error)
    this.listed.push({ where, text: text.replace(/\s+/g, ' ').trim(), values, rows, changed, error: said })
  }

  /** Forgets those of a commit function that runs again. */
  begins(): void {
    const reads = this.listed.filter(({ where }) => where === 'read')
    this.count -= this.listed.length - reads.length
    this.listed.splice(0, this.listed.length, ...reads)
  }
}

function sizeOf(value: unknown): number {
  if (typeof value === 'string') return value.length
  if (typeof value !== 'object' || value === null) return 8
  if (ArrayBuffer.isView(value)) return value.byteLength
  let size = 8
  for (const name in value) size += name.length + sizeOf((value as Record<string, unknown>)[name])
  return size
}
