import assert from 'node:assert/strict'
import { test } from 'node:test'
import { filledDesk } from '../../../test/support/desk-tables.ts'
import type { DeskFilter } from '../../model/desk-views.ts'
import { DeskFinder } from './desk-finder.ts'

function filters(groups: readonly (number | null)[]): DeskFilter[] {
  const found: DeskFilter[] = []
  for (const processor of [undefined, 'p', 'none'])
    for (const type of [undefined, 'paid', 'none'])
      for (const context of [undefined, 'b', 'none'])
        for (const group of [undefined, groups[0]!, groups.at(-1)!])
          for (const some of [undefined, ['held'], ['line', 'trying'], ['handled', 'held', 'held'], []])
            for (const after of [undefined, 150]) {
              const filter = { processor, type, context, group, states: some, after, limit: after && 7 }
              found.push(Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined)))
            }
  return found
}

test('a search finds what fits its filter, in the order of ids', () => {
  const { db, sql, views, entries } = filledDesk()
  const finder = new DeskFinder(sql)
  const groups = views.groups('all', {}, 0).map(({ id }) => id)
  const groupOf = new Map(
    db
      .prepare('select id, group_id from millrace_desk')
      .all()
      .map((row) => [row['id'], row['group_id']]),
  )
  const stored = entries.map(({ id }) => views.item(id, { line: 0, history: 0 })!)
  for (const filter of filters(groups)) {
    const { processor, type, context, group, after = 0, limit = 100 } = filter
    const wanted = filter.states ?? ['held', 'deciding', 'trying', 'line']
    const expected = stored
      .filter((entry) => wanted.includes(entry.state) && entry.id > after)
      .filter((entry) => processor === undefined || entry.processor === processor)
      .filter(({ message }) => type === undefined || message.type === type)
      .filter(({ message }) => context === undefined || message.context === context)
      .filter((entry) => group === undefined || groupOf.get(entry.id) === group)
      .slice(0, limit)
      .map(({ id }) => id)
    assert.deepEqual(finder.find(filter), expected, JSON.stringify(filter))
  }
})

test('a selection has the held messages that fit, by filter or by number, each once', () => {
  const { sql, entries } = filledDesk()
  const finder = new DeskFinder(sql)
  const held = entries.filter(({ state }) => state === 'held')
  const ids = (some: typeof held) => some.map(({ id }) => id)
  assert.deepEqual(finder.selected({}), ids(held))
  assert.deepEqual(finder.selected({ processor: 'p' }), ids(held.filter(({ processor }) => processor === 'p')))
  const [one, two] = ids(held)
  const notHeld = entries.find(({ state }) => state === 'line')!.id
  assert.deepEqual(finder.selected({ items: [two!, one!, two!, notHeld, 9_999] }).toSorted(), [one, two].toSorted())
  assert.deepEqual(finder.selected({ items: [one!], processor: 'none' }), [])
})

test('no search reads more of the table than it returns', () => {
  const { sql, views, asked, planOf } = filledDesk()
  const finder = new DeskFinder(sql)
  for (const filter of filters(views.groups('all', {}, 0).map(({ id }) => id))) finder.find(filter)
  const steps = [...asked].flatMap((text) => planOf(text).map((step) => ({ text, step })))
  assert.ok(steps.some(({ step }) => step.includes('millrace_desk_states')))
  for (const { text, step } of steps) assert.doesNotMatch(step, /^SCAN (millrace_desk|[dl])( |$)|\(rowid[<>]/, text)
})
