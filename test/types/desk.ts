// Type test, compiled and not run: what rules get and may decide, what the topic of failures carries.
import {
  type Actor,
  type Decision,
  desk,
  discard,
  event,
  type Failure,
  failures,
  hold,
  type ProcessingFailed,
  type ProcessingResolved,
  processor,
  type Rule,
  resubmit,
  retry,
  topic,
} from 'millrace'
import { z } from 'zod'
import { is, type Same } from './is.ts'

const Placed = event('order.placed', { schema: z.object({ orderId: z.string(), quantity: z.number() }) })
const Cancelled = event('order.cancelled', { schema: z.object({ orderId: z.string(), reason: z.string().optional() }) })
const Orders = topic('orders', [Placed, Cancelled])

// ── what rules get ───────────────────────────────────────────────────────────────────────────────────────────────

desk('typed', {
  on: Orders,
  decide: {
    'order.placed': ({ message, processor: who, error, attempts }) => {
      is<Same<typeof message.data, { orderId: string; quantity: number }>>()
      is<Same<typeof message.type, 'order.placed'>>()
      is<Same<typeof message.context, string | undefined>>()
      is<Same<typeof who, string>>()
      is<Same<typeof error, { readonly code: string; readonly message: string; readonly data?: unknown }>>()
      is<Same<typeof attempts, number>>()
      // @ts-expect-error the data has no such property
      message.data.quantty
      return retry()
    },
    'order.cancelled': async ({ message, read }) => {
      is<Same<typeof message.data.reason, string | undefined>>()
      const [row] = await read<{ n: number }>`select 1 as n`
      is<Same<typeof row, { n: number } | undefined>>()
      return hold('for a person')
    },
  },
})
desk('none of them', { on: Orders, decide: {} })
desk('numbers', { on: Orders, decide: {}, decideMs: 1_000, decisionsMax: 3, rulesAtOnce: 2 })

// ── what rules may decide ────────────────────────────────────────────────────────────────────────────────────────

desk('decides', {
  on: Orders,
  decide: {
    'order.placed': ({ message, attempts }) => {
      if (attempts === 1) return retry()
      if (attempts === 2) return hold('later')
      if (attempts === 3) return discard('no need')
      return resubmit({ ...message.data, quantity: 1 }, 'one')
    },
    'order.cancelled': async ({ message }) => resubmit({ orderId: message.data.orderId }, 'without a reason'),
  },
})
desk('wrong data', {
  on: Orders,
  decide: {
    // @ts-expect-error the quantity is a number
    'order.placed': ({ message }) => resubmit({ ...message.data, quantity: 'one' }, 'mended'),
    // @ts-expect-error the data of another type
    'order.cancelled': async () => resubmit({ quantity: 1 }, 'mended'),
  },
})
desk('no decision', {
  on: Orders,
  decide: {
    // @ts-expect-error nothing is decided
    'order.placed': () => {},
    // @ts-expect-error a word is no decision
    'order.cancelled': () => 'retry',
  },
})
desk('unknown type', {
  on: Orders,
  decide: {
    // @ts-expect-error no such type is on the topic
    'order.plcaed': () => retry(),
  },
})
// @ts-expect-error a desk looks after a topic or a channel
desk('on a type', { on: Placed, decide: {} })
// @ts-expect-error an unknown option
desk('option', { on: Orders, decide: {}, decideMS: 1 })

// @ts-expect-error a resubmit says what was corrected
resubmit({ orderId: 'a' })
// @ts-expect-error a hold says why
hold()
// @ts-expect-error a discard says why
discard()

is<Same<Parameters<Rule<typeof Placed>>[0], Failure<typeof Placed>>>()
declare const decision: Decision<{ orderId: string }>
if (decision.do === 'resubmit') is<Same<typeof decision.data, { orderId: string }>>()
if (decision.do === 'hold') is<Same<typeof decision.reason, string>>()
const ann: Actor = { by: 'ann' }
// @ts-expect-error who acts has a name
const nobody: Actor = { reason: 'so it is' }
void [ann, nobody]

// ── failures ─────────────────────────────────────────────────────────────────────────────────────────────────────

processor('listener', {
  on: failures,
  handle: {
    'processing.failed': ({ data, type }, { log }) => {
      is<Same<typeof type, 'processing.failed'>>()
      is<Same<typeof data, ProcessingFailed>>()
      is<Same<typeof data.error, { readonly code: string; readonly message: string; readonly data?: unknown }>>()
      is<Same<typeof data.message.context, string | null>>()
      is<Same<typeof data.message.data, unknown>>()
      log.warn(data.processor, { attempts: data.attempts })
      // @ts-expect-error how it ended is told by processing.resolved
      data.outcome
    },
    'processing.resolved': ({ data }) => {
      is<Same<typeof data, ProcessingResolved>>()
      is<Same<typeof data.outcome, 'handled' | 'discarded' | 'reset'>>()
    },
  },
})
processor('half a listener', { on: failures, handle: { 'processing.failed': () => {} } })
processor('wrong', {
  on: failures,
  handle: {
    // @ts-expect-error no such event is on the topic of failures
    'processing.broken': () => {},
  },
})
desk('failure desk', { on: failures, decide: { 'processing.failed': ({ message }) => hold(message.data.processor) } })
