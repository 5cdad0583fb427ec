// The condition of a store, for operators: damage, missing messages, room on the disk, the size of the -wal, locks.
//
//   damage:   sound │ unchecked (an unclean start) ──looked at──→ sound or damaged
//   messages: whole │ incomplete (a copy without its -wal) ──accepted──→ whole
import { commandLine } from '../../model/command-line.ts'
import { fault, type MillraceError, reasonOf } from '../../model/errors.ts'
import { inBrief } from '../../model/people.ts'
import type { World } from '../../seam/world.ts'
import { misplacedFault } from './errors.ts'
import { aloneFault } from './missing-wal.ts'

export interface ConditionLimits {
  readonly walBytesMax: number
  readonly diskFreeMinBytes: number
}

/** The questions of the condition to the open store. */
export interface ConditionNeeds {
  /** Why the next start would not find what is written. */
  misplaced(): string | undefined
  /** Bytes of the -wal that are not in the database; undefined while that cannot be known. */
  walBytes(): number | undefined
  /** Free bytes as last looked up, and now. */
  readonly disk: { readonly freeBytes: number; measure(): number }
  /** The fault while another program holds the write lock. */
  locked(): MillraceError | undefined
}

/** Findings of damage that health names one by one. */
const damageShownMax = 10

export class Condition {
  private readonly file: string
  private readonly limits: ConditionLimits
  private readonly needs: ConditionNeeds
  private readonly log: World['log']
  private damage: readonly string[] = []
  /** Set from an unclean start until the file has been looked at for damage. */
  private unchecked: MillraceError | undefined
  private incomplete: MillraceError | undefined
  private walBytes = 0

  constructor(file: string, limits: ConditionLimits, log: World['log'], needs: ConditionNeeds) {
    this.file = file
    this.limits = limits
    this.log = log
    this.needs = needs
  }

  /** The reasons why the store is not well; empty when it is. */
  health(): readonly string[] {
    const { needs } = this
    const why = needs.misplaced()
    if (why !== undefined) return [reasonOf(misplacedFault(why))]
    const found = this.damage.slice(0, damageShownMax).map((damage) => `the file is damaged: ${damage}`)
    const more = this.damage.length - damageShownMax
    if (more > 0) found.push(`the file is damaged: ${more} more findings, which \`${commandLine('doctor')}\` shows`)
    for (const reason of [this.unchecked, this.incomplete]) if (reason !== undefined) found.push(reasonOf(reason))
    found.push(...this.measured())
    return found
  }

  private measured(): string[] {
    const { walBytesMax, diskFreeMinBytes } = this.limits
    const found: string[] = []
    this.walBytes = this.needs.walBytes() ?? this.walBytes
    const freeBytes = this.needs.disk.measure()
    if (this.walBytes > walBytesMax) {
      found.push(`${this.walBytes} bytes of the -wal file are not in the database yet, more than ${walBytesMax}`)
    }
    const locked = this.needs.locked()
    if (locked !== undefined) found.push(locked.message)
    if (freeBytes < diskFreeMinBytes) {
      found.push(`the disk has ${freeBytes} bytes free, less than ${diskFreeMinBytes}`)
    }
    return found
  }

  /** `millrace/disk-low` while there is no room to accept more. */
  room(): MillraceError | undefined {
    const { disk } = this.needs
    const least = this.limits.diskFreeMinBytes
    // Looked up again at each refusal, because no sync may come that does.
    if (disk.freeBytes >= least || disk.measure() >= least) return undefined
    const text = `the disk of ${this.file} has ${disk.freeBytes} bytes free, less than ${least}`
    return fault('millrace/disk-low', text)
  }

  /** The file may lack its newest messages; `newest` is the time of the newest that it has, milliseconds since 1970. */
  foundIncomplete(newest: number): void {
    this.incomplete = aloneFault(this.file, newest)
    this.log('warn', this.incomplete.message, { help: this.incomplete.help })
  }

  get isIncomplete(): boolean {
    return this.incomplete !== undefined
  }

  accepted(): void {
    this.incomplete = undefined
  }

  /** Follows a look for damage that is under way. Its failure while the store closes says nothing. */
  checking(look: Promise<readonly string[]>, isClosing: () => boolean): void {
    const { file } = this
    this.unchecked = fault('millrace/checking', `${file} is being checked for damage after an unclean stop`)
    look.then(
      (found) => {
        this.damage = found
        this.unchecked = undefined
        const [first] = found
        if (first !== undefined) this.log('error', 'the file is damaged', { file, findings: found.length, first })
      },
      (error) => {
        if (isClosing()) return
        this.unchecked = fault('millrace/checking', `${file} could not be checked for damage: ${inBrief(error)}`)
      },
    )
  }
}
