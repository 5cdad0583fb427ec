// The receipt of a message: what is on record about it, to be read to somebody on the phone, printed, or sent.
import type { HandledBy, Receipt as OnRecord } from '../../model/receipts.ts'
import { useRead } from '../data.ts'
import { Badge } from '../parts/badge.tsx'
import { Head } from '../parts/head.tsx'
import { Empty, Shown } from '../parts/states.tsx'
import { clock, When } from '../parts/when.tsx'
import { count, stateWords, visible } from '../pure/words.ts'
import { href } from '../router.ts'

export function Receipt({ id }: { readonly id: string }) {
  const read = useRead({ path: '/api/messages/{id}/receipt', params: { id } })
  return (
    <Shown of={read} what="This receipt">
      {({ at, items, complete, lookedUpTo }) => (
        <>
          {items.map((receipt) => (
            <One key={`${receipt.destination} ${receipt.position}`} receipt={receipt} at={at} all={items} />
          ))}
          {items.length === 0 && (
            <Empty>
              <p>
                <strong>Nothing is on record about this id.</strong> It may have been removed: a topic keeps its
                messages for as long as it says.
              </p>
            </Empty>
          )}
          {!complete && lookedUpTo !== null && (
            <p class="more">Messages up to {clock(lookedUpTo)} were looked at. With the finder on, all are.</p>
          )}
        </>
      )}
    </Shown>
  )
}

interface OneProps {
  readonly receipt: OnRecord
  readonly at: number
  readonly all: readonly OnRecord[]
}

function One({ receipt, at, all }: OneProps) {
  const { id, type, version, context, acceptedAt, source, destination, position, dataSha256, bytes } = receipt
  const { processors, sent, sentComplete, request } = receipt
  const address = href(`/messages/${encodeURIComponent(id)}`)
  const json = () => void navigator.clipboard?.writeText(JSON.stringify(all.length === 1 ? receipt : all, null, 2))
  return (
    <>
      <header class="head">
        <div>
          <p class="crumbs">
            <a href={href('/messages')}>Messages</a> / <a href={address}>{visible(id)}</a> / receipt
          </p>
          <h1>
            Receipt of {visible(type)} {visible(context ?? '')}
          </h1>
          <p class="lead">Made out {clock(at)}. All of it is on disk; it is the same after a crash.</p>
        </div>
        <div class="buttons">
          <button type="button" onClick={() => print()}>
            Print
          </button>
          <button type="button" onClick={json}>
            Copy as JSON
          </button>
        </div>
      </header>
      <dl class="facts">
        <dt>Message</dt>
        <dd class="mono">{visible(id)}</dd>
        <dt>Accepted</dt>
        <dd>
          <When at={acceptedAt} />, from <span class="mono">{visible(source)}</span>
        </dd>
        <dt>Place</dt>
        <dd class="mono">
          {visible(destination)} / {position.toLocaleString('en')}
        </dd>
        <dt>Type</dt>
        <dd class="mono">
          {visible(type)}, version {version}
        </dd>
        <dt>Data</dt>
        <dd>
          {count(bytes, 'byte')}, SHA-256 <span class="mono">{dataSha256}</span>
        </dd>
        {request !== null && (
          <>
            <dt>Request</dt>
            <dd>
              {stateWords[request.state]?.word ?? request.state}
              {request.endedAt !== null && (
                <>
                  , <When at={request.endedAt} />
                </>
              )}
            </dd>
          </>
        )}
      </dl>
      <section aria-labelledby="processors">
        <h2 id="processors">Processors</h2>
        {processors.length === 0 ? (
          <p class="muted">No processor takes messages of {visible(destination)}.</p>
        ) : (
          <div class="scroll">
            <table>
              <Head of={['Processor', 'State', 'What happened']} />
              <tbody>
                {processors.map((one) => (
                  <tr key={one.processor}>
                    <th scope="row">{visible(one.processor)}</th>
                    <td>
                      <Badge state={one.state} />
                      {one.item !== null && (
                        <div>
                          <a href={href(`/desk/${one.item}`)}>#{one.item} at the desk</a>
                        </div>
                      )}
                    </td>
                    <td>
                      <Happened of={one} />
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
      </section>
      <section aria-labelledby="sent">
        <h2 id="sent">What it caused</h2>
        {sent.length === 0 ? (
          <p class="muted">No message.</p>
        ) : (
          <div class="scroll">
            <table>
              <Head of={['Message', 'When', ['Place', 'late']]} />
              <tbody>
                {sent.map((one) => (
                  <tr key={`${one.destination} ${one.position}`}>
                    <th scope="row">
                      <a class="row" href={href(`/messages/${encodeURIComponent(one.id)}`)}>
                        {visible(one.type)} {visible(one.context ?? '')}
                      </a>
                    </th>
                    <td>
                      <When at={one.time} />
                    </td>
                    <td class="late mono">
                      {visible(one.destination)} / {one.position.toLocaleString('en')}
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
        {!sentComplete && (
          <p class="more">
            There may be more: its <a href={`${address}/story`}>story</a> has them.
          </p>
        )}
      </section>
    </>
  )
}

function Happened({ of: { state, failed, acts, corrections, resolvedAt } }: { readonly of: HandledBy }) {
  const lines = [
    ...failed.map(({ at, code }) => ({ at, text: `an attempt failed: ${code}` })),
    ...acts.map(({ at, by, action, reason }) => ({
      at,
      text: `${by} ${action}${reason === null ? '' : `: ${reason}`}`,
    })),
  ].sort((a, b) => a.at - b.at)
  if (lines.length === 0) return <span class="muted">{state === 'done' ? 'nothing went wrong' : '–'}</span>
  return (
    <ul class="plain">
      {lines.map(({ at, text }, n) => (
        <li key={`${at} ${n}`}>
          <span class="muted">{clock(at)}</span> {visible(text)}
        </li>
      ))}
      {corrections > 0 && <li class="muted">its data were corrected {count(corrections, 'time')}</li>}
      {resolvedAt !== null && <li class="muted">it came to its end {clock(resolvedAt)}</li>}
    </ul>
  )
}
