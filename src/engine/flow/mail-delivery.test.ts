import assert from 'node:assert/strict'
import test from 'node:test'
import type { Stored } from '../../model/codec.ts'
import type { Message } from '../../model/message.ts'
import { MailDelivery, type MailTaker } from './mail-delivery.ts'

/** Flow 1, which waits for so many mails of a type; and the mailbox of its context. */
function delivery(numbers: number[], { waits = 10 } = {}) {
  const had: number[] = []
  const done: string[] = []
  const run: MailTaker = {
    id: 1,
    row: { mediator: 'sale', context: 'o-1' },
    status: { isDismissed: false },
    host: { prompted: () => {} },
    inbox: { works: false, mailHad: () => had.at(-1) ?? 0 },
    outside: {
      get awaited() {
        return new Set(had.length < waits ? ['paid'] : [])
      },
      mail: (n) => {
        if (n <= (had.at(-1) ?? 0) || had.length >= waits) return false
        had.push(n)
        return true
      },
    },
    input: async (apply) => apply(),
  }
  const working: Promise<void>[] = []
  const all = new MailDelivery<MailTaker>({
    mail: {
      underWay: async () => [1, 2],
      next: async (mediator, context, _type, after) => {
        const n = numbers.find((one) => one > after)
        return n === undefined ? undefined : { n, mediator, context, message: { trace: null } as Stored, at: 0 }
      },
      forget: async () => ({ gone: 0, last: undefined }),
    },
    find: (id) => (id === 1 ? run : undefined),
    load: async (id) => void done.push(`load ${id}`),
    withRun: async (_id, use) => use(run),
    flush: async () => void done.push('flush'),
    messageOf: () => ({ type: 'paid' }) as Message,
    during: (work) => {
      const one = work()
      working.push(one)
      return one
    },
  })
  const settled = async () => {
    for (let one = working.shift(); one !== undefined; one = working.shift()) await one
  }
  return { all, run, had, done, settled }
}

test('a flow gets all mails that it waits for, the oldest first, and the journal is written once', async () => {
  const { all, run, had, done, settled } = delivery([3, 5, 9])
  all.offer(run)
  await settled()
  assert.deepEqual([had, done], [[3, 5, 9], ['flush']])
})

test('a flow gets no more mails than it waits for', async () => {
  const { all, run, had, settled } = delivery([3, 5, 9], { waits: 1 })
  all.offer(run)
  await settled()
  assert.deepEqual(had, [3])
})

test('a flow that is offered mail twice at once gets each mail once, and mail that came between', async () => {
  const numbers = [3]
  const { all, run, had, settled } = delivery(numbers)
  all.offer(run)
  numbers.push(5)
  all.offer(run)
  await settled()
  assert.deepEqual(had, [3, 5])
})

test('when mail is written, flows in memory are offered it and the others are made', async () => {
  const { all, had, done, settled } = delivery([3])
  all.written('sale', 'o-1', 'paid')
  await settled()
  assert.deepEqual([had, done.includes('load 2')], [[3], true])
})
