// Claims, notes and snoozes. Notes are lines of the audit log; claims and snoozes are columns of what they are about.

import { type Claim, claimed, type NoteAbout } from '../../model/claims.ts'
import type { Actor, DeskAction, DeskState } from '../../model/desk.ts'
import type { Snooze } from '../../model/desk-views.ts'
import { fault } from '../../model/errors.ts'
import type { Claims } from '../../seam/claims.ts'
import type { AuditLog } from './audit.ts'
import { type Beside, writeDurably } from './beside-commits.ts'
import type { Statements } from './statements.ts'

const claimText = 'select claimed_by as by, claimed_at as at, claimed_until as until from millrace_desk where id = ?'

interface Row {
  readonly processor: string
  readonly state: DeskState
  readonly resolved_at: number | null
}

/** A line of the audit log, without what it is about. */
interface Said extends Actor {
  readonly at: number
  readonly action: DeskAction
  readonly detail?: unknown
}

export class ClaimTable implements Claims {
  private readonly sql: Statements
  private readonly audit: Pick<AuditLog, 'record'>
  private readonly beside: Beside

  constructor(sql: Statements, audit: Pick<AuditLog, 'record'>, beside: Beside) {
    this.sql = sql
    this.audit = audit
    this.beside = beside
  }

  async of(item: number, now: number): Promise<Claim | undefined> {
    return this.claimOn(item, now)
  }

  claim(item: number, claim: Claim, { takeOver, reason }: Parameters<Claims['claim']>[2]): Promise<void> {
    return writeDurably(this.beside, () => {
      const { by, at, until } = claim
      const { processor, state, resolved_at } = this.row(item)
      if (resolved_at !== null || state === 'reset') {
        throw fault(
          'millrace/not-held',
          `message ${item} of processor "${processor}" is ${state}: there is nothing to do`,
        )
      }
      const before = this.claimOn(item, at)
      if (before !== undefined && before.by !== by && !takeOver) throw claimed(item, before)
      const sql = 'update millrace_desk set claimed_by = ?, claimed_at = ?, claimed_until = ? where id = ?'
      this.sql.run(sql, by, at, until, item)
      const from = before === undefined || before.by === by ? {} : { from: before.by }
      const said = { by, at, reason: reason ?? undefined, action: 'claimed', detail: { until, ...from } } as const
      this.recordItem(item, processor, said)
    })
  }

  unclaim(item: number, { by, reason }: Actor, at: number): Promise<void> {
    return writeDurably(this.beside, () => {
      const { processor } = this.row(item)
      const before = this.claimOn(item, at)
      if (before === undefined) return
      if (before.by !== by) throw claimed(item, before)
      this.sql.run('update millrace_desk set claimed_by = null where id = ?', item)
      this.recordItem(item, processor, { by, at, reason, action: 'unclaimed' })
    })
  }

  note(about: NoteAbout, text: string, { by, at }: { readonly by: string; readonly at: number }): Promise<void> {
    return writeDurably(this.beside, () => {
      const said = { by, at, reason: text, action: 'noted' } as const
      if ('group' in about) this.recordGroup(about.group, said)
      else this.recordItem(about.item, this.row(about.item).processor, said)
    })
  }

  snooze(group: number, { until, orCount, by, at, reason }: Parameters<Claims['snooze']>[1]): Promise<void> {
    return writeDurably(this.beside, () => {
      const snoozed = this.sql.one<Pick<Snooze, 'orCount'>>(
        `update millrace_desk_groups set snoozed_until = ?, snoozed_count = coalesce(?, max(held, 1) * 2), snoozed_by = ?,
           snoozed_at = ?, snoozed_why = ? where id = ? returning snoozed_count as orCount`,
        until,
        orCount ?? null,
        by,
        at,
        reason,
        group,
      )
      const detail = { until, ...snoozed }
      this.recordGroup(group, { by, at, reason, action: 'snoozed', detail })
    })
  }

  wake(group: number, { by, reason }: Actor, at: number): Promise<void> {
    return writeDurably(this.beside, () => {
      const sql = 'update millrace_desk_groups set snoozed_until = null where id = ? and snoozed_until > ?'
      const woken = this.sql.run(sql, group, at) > 0
      if (woken || this.processorOf(group) === undefined) this.recordGroup(group, { by, at, reason, action: 'woken' })
    })
  }

  private claimOn(item: number, now: number): Claim | undefined {
    const row = this.sql.one<Claim & { readonly by: string | null }>(claimText, item)
    return row === undefined || row.by === null || row.until <= now ? undefined : { ...row }
  }

  private row(item: number): Row {
    const row = this.sql.one<Row>('select processor, state, resolved_at from millrace_desk where id = ?', item)
    if (row !== undefined) return row
    throw fault('millrace/unknown-item', `there is no message ${item} at the desk`)
  }

  private processorOf(group: number): string | undefined {
    const sql = 'select processor from millrace_desk_groups where id = ?'
    return this.sql.one<{ processor: string }>(sql, group)?.processor
  }

  private recordItem(item: number, subject: string, { reason = undefined, detail, ...said }: Said): void {
    this.audit.record({ ...said, item, subject, reason: reason ?? null, detail })
  }

  /** @throws `millrace/unknown-group` */
  private recordGroup(group: number, { reason = undefined, detail, ...said }: Said): void {
    const subject = this.processorOf(group)
    if (subject === undefined) throw fault('millrace/unknown-group', `there is no group ${group} at the desk`)
    this.audit.record({ ...said, item: null, group, subject, reason: reason ?? null, detail })
  }
}
