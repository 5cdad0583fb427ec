// Shows the receipt of a message.
import type { HandledBy, Receipt } from '../../index.ts'
import { type Call, takeWords, withApp } from '../call.ts'
import type { Output } from '../output.ts'
import { bytes, facts, moment, safe, wrap } from '../print.ts'
import { time } from './desk-show.ts'
import { notFound } from './messages.ts'

/** Shows what is on record about a message, without its data. */
export async function messagesReceipt(call: Call): Promise<number> {
  const [id = ''] = takeWords(call, ['ID'], 1)
  const { out } = call
  return withApp(call, async ({ messages }) => {
    const { at, items, complete, lookedUpTo } = await messages.receipt(id)
    if (items.length === 0) throw notFound(id, complete ? null : lookedUpTo)
    for (const [index, receipt] of items.entries()) {
      if (out.json) await out.object({ at: time(at), ...receiptObject(receipt) })
      else await out.lines([...(index === 0 ? [] : ['']), ...receiptLines(receipt, at, out)])
    }
    return 0
  })
}

const iso = (ms: number | null) => (ms === null ? null : time(ms))

function receiptObject({ acceptedAt, processors, sent, request, ...receipt }: Receipt) {
  return {
    ...receipt,
    acceptedAt: time(acceptedAt),
    processors: processors.map(({ failed, acts, resolvedAt, ...one }) => ({
      ...one,
      failed: failed.map(({ at, code }) => ({ at: time(at), code })),
      acts: acts.map(({ at, ...act }) => ({ at: time(at), ...act })),
      resolvedAt: iso(resolvedAt),
    })),
    sent: sent.map(({ time: ms, ...one }) => ({ ...one, time: time(ms) })),
    request: request && { ...request, askedAt: time(request.askedAt), endedAt: iso(request.endedAt) },
  }
}

function receiptLines(receipt: Receipt, at: number, out: Output): string[] {
  const { id, type, version, source, destination, position, context, acceptedAt, dataSha256, request } = receipt
  const { processors, sent, sentComplete } = receipt
  const title = (text: string) => ['', out.colour('bold', text)]
  const ended =
    request === null ? '' : `${request.state}${request.endedAt === null ? '' : ` at ${time(request.endedAt)}`}`
  return [
    `${out.colour('bold', 'receipt')} of message ${safe(id)}, made out at ${time(at)}`,
    ...facts(
      [
        ['type', `${type}${version === 1 ? '' : `, version ${version}`}`],
        ['accepted', `${time(acceptedAt)} from ${source}`],
        ['place', `${destination}/${position}`],
        ['context', context ?? 'none'],
        ['flow', receipt.correlationId],
        ['caused by', receipt.causationId ?? undefined],
        ['data', `${bytes(receipt.bytes)}, SHA-256 ${dataSha256}`],
        ['request', request === null ? undefined : ended],
      ],
      out.columns,
    ),
    ...title('processors'),
    ...(processors.length === 0 ? ['  none'] : processors.flatMap((one) => processorLines(one, out))),
    ...title('sent'),
    ...(sent.length === 0 ? ['  nothing'] : []),
    ...sent.map((one) => safe(`  ${moment(one.time)}  ${one.type}  ${one.destination}/${one.position}  ${one.id}`)),
    ...(sentComplete ? [] : ['  there may be more: its story has them']),
  ]
}

function processorLines({ processor, state, item, failed, acts }: HandledBy, { columns }: Output): string[] {
  const atDesk = item === null ? '' : `, number ${item} at the desk`
  const all = [
    ...failed.map(({ at, code }) => ({ at, text: `failed: ${code}` })),
    ...acts.map(({ at, by, action, reason }) => ({
      at,
      text: `${action} by ${by}${reason === null ? '' : `: ${reason}`}`,
    })),
  ].sort((a, b) => a.at - b.at)
  const width = 'YYYY-MM-DD HH:MM:SS'.length
  return [
    `  ${safe(processor)}: ${state}${atDesk}`,
    ...all.flatMap(({ at, text }) =>
      wrap(safe(text), columns - width - 6).map(
        (line, n) => `    ${n === 0 ? moment(at) : ' '.repeat(width)}  ${line}`,
      ),
    ),
  ]
}
