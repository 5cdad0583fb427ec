// Claims, notes and snoozes. Notes are lines of the audit log; claims and snoozes are columns of what they are about.

import { type Claim, claimed, type NoteAbout } from '../../model/claims.ts'
import type { Actor, DeskAction, DeskState } from '../../model/desk.ts'
import type { Snooze } from '../../model/desk-views.ts'
import { fault } from '../../model/errors.ts'
import type { Claims } from '../../seam/claims.ts'
import { record } from './audit.ts'
import { heldNow } from './desk-groups.ts'
import { type Beside, one, type Statements } from './statements.ts'

const claimText = 'select claimed_by as by, claimed_at as at, claimed_until as until from millrace.desk where id = $1'
const rowText = 'select processor, state, resolved_at from millrace.desk where id = $1'
const snoozeText = `update millrace.desk_groups g set snoozed_until = $1,
    snoozed_count = coalesce($2::int8, (select greatest(n.held, 1) * 2 from (${heldNow('g')}) n)), snoozed_by = $3,
    snoozed_at = $4, snoozed_why = $5 where id = $6 returning snoozed_count as "orCount"`

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
  private readonly beside: Beside

  constructor(beside: Beside) {
    this.beside = beside
  }

  of(item: number, now: number): Promise<Claim | undefined> {
    return this.beside.read((db) => claimOn(db, item, now))
  }

  claim(item: number, claim: Claim, { takeOver, reason }: Parameters<Claims['claim']>[2]): Promise<void> {
    return this.beside.write(async (db) => {
      const { by, at, until } = claim
      const { processor, state, resolved_at } = await row(db, item, 'for update')
      if (resolved_at !== null || state === 'reset') {
        throw fault(
          'millrace/not-held',
          `message ${item} of processor "${processor}" is ${state}: there is nothing to do`,
        )
      }
      const before = await claimOn(db, item, at)
      if (before !== undefined && before.by !== by && !takeOver) throw claimed(item, before)
      const sql = 'update millrace.desk set claimed_by = $1, claimed_at = $2, claimed_until = $3 where id = $4'
      const from = before === undefined || before.by === by ? {} : { from: before.by }
      const said = { by, at, reason: reason ?? undefined, action: 'claimed', detail: { until, ...from } } as const
      await Promise.all([db.run(sql, [by, at, until, item]), recordItem(db, item, processor, said)])
    })
  }

  unclaim(item: number, { by, reason }: Actor, at: number): Promise<void> {
    return this.beside.write(async (db) => {
      const { processor } = await row(db, item, 'for update')
      const before = await claimOn(db, item, at)
      if (before === undefined) return
      if (before.by !== by) throw claimed(item, before)
      await Promise.all([
        db.run('update millrace.desk set claimed_by = null where id = $1', [item]),
        recordItem(db, item, processor, { by, at, reason, action: 'unclaimed' }),
      ])
    })
  }

  note(about: NoteAbout, text: string, { by, at }: { readonly by: string; readonly at: number }): Promise<void> {
    return this.beside.write(async (db) => {
      const said = { by, at, reason: text, action: 'noted' } as const
      if ('group' in about) await recordGroup(db, about.group, said)
      else await recordItem(db, about.item, (await row(db, about.item)).processor, said)
    })
  }

  snooze(group: number, { until, orCount, by, at, reason }: Parameters<Claims['snooze']>[1]): Promise<void> {
    return this.beside.write(async (db) => {
      const values = [until, orCount ?? null, by, at, reason, group]
      const snoozed = await one<Pick<Snooze, 'orCount'>>(db, snoozeText, values)
      await recordGroup(db, group, { by, at, reason, action: 'snoozed', detail: { until, ...snoozed } })
    })
  }

  wake(group: number, { by, reason }: Actor, at: number): Promise<void> {
    return this.beside.write(async (db) => {
      const sql = 'update millrace.desk_groups set snoozed_until = null where id = $1 and snoozed_until > $2'
      const woken = (await db.run(sql, [group, at])) > 0
      if (woken || (await processorOf(db, group)) === undefined) {
        await recordGroup(db, group, { by, at, reason, action: 'woken' })
      }
    })
  }
}

async function claimOn(db: Statements, item: number, now: number): Promise<Claim | undefined> {
  const found = await one<Claim & { readonly by: string | null }>(db, claimText, [item])
  return found === undefined || found.by === null || found.until <= now ? undefined : found
}

async function row(db: Statements, item: number, lock: '' | 'for update' = ''): Promise<Row> {
  const found = await one<Row>(db, `${rowText} ${lock}`, [item])
  if (found !== undefined) return found
  throw fault('millrace/unknown-item', `there is no message ${item} at the desk`)
}

async function processorOf(db: Statements, group: number): Promise<string | undefined> {
  const sql = 'select processor from millrace.desk_groups where id = $1'
  return (await one<{ processor: string }>(db, sql, [group]))?.processor
}

function recordItem(db: Statements, item: number, subject: string, { reason, detail, ...said }: Said): Promise<void> {
  return record(db, { ...said, item, subject, reason: reason ?? null, detail })
}

/** @throws `millrace/unknown-group` */
async function recordGroup(db: Statements, group: number, { reason, detail, ...said }: Said): Promise<void> {
  const subject = await processorOf(db, group)
  if (subject === undefined) throw fault('millrace/unknown-group', `there is no group ${group} at the desk`)
  await record(db, { ...said, item: null, group, subject, reason: reason ?? null, detail })
}
