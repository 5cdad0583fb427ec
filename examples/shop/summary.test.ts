import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Summary, summaryTable } from './summary.ts'

const figures: Summary = {
  invoices: 25_900,
  cancellations: 3_836,
  lines: 541_909,
  units: 5_176_450,
  goods: 3_900,
  customers: 4_372,
  money: '9747747.93',
  held: 28,
  waiting: 0,
  discarded: 1_000,
  shipped: 19_000,
  declined: 2_000,
  asking: 0,
}

test('the table for people shows each figure, with thousands apart', () => {
  assert.deepEqual(
    summaryTable(figures)
      .split('\n')
      .map((line) => line.trim().split(/ {2,}/)),
    [
      ['invoices', '25,900', '3,836 of them cancellations'],
      ['lines', '541,909'],
      ['units', '5,176,450'],
      ['goods', '3,900', 'different articles'],
      ['customers', '4,372', 'not counting guests'],
      ['money', '£9,747,747.93'],
      ['held', '28', 'at the desk, for a person to decide'],
      ['waiting', '0', 'behind those'],
      ['discarded', '1,000'],
      ['shipped', '19,000', 'invoices'],
      ['declined', '2,000', 'nothing taken, nothing charged'],
      ['asking', '0', 'for a person to approve'],
    ],
  )
})

test('the table fits 80 columns', () => {
  const large = { ...figures, invoices: 10 ** 12, cancellations: 10 ** 12, money: '-999999999999.99' }
  for (const line of summaryTable(large).split('\n')) assert.ok(line.length <= 80, line)
})
