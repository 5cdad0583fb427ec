// One message: its data, what became of it at each processor, and the way to its story.

import type { MessageItem } from '../../model/message-views.ts'
import { useRead } from '../data.ts'
import { Badge } from '../parts/badge.tsx'
import { Head } from '../parts/head.tsx'
import { LongText } from '../parts/long-text.tsx'
import { Empty, Shown } from '../parts/states.tsx'
import { clock, When } from '../parts/when.tsx'
import { laidOut } from '../pure/json.ts'
import { addressOf } from '../pure/routes.ts'
import { visible } from '../pure/words.ts'
import { href } from '../router.ts'

export function Message({ id }: { readonly id: string }) {
  const found = useRead({ path: '/api/messages/{id}', params: { id } })
  return (
    <Shown of={found} what="This message">
      {({ items, complete, lookedUpTo }) => (
        <>
          {items.map((item) => (
            <One key={`${item.destination} ${item.position}`} item={item} />
          ))}
          {items.length === 0 && (
            <Empty>
              <p>
                <strong>No message has this id.</strong> It may have been removed: a topic keeps its messages for as
                long as it says.
              </p>
              <a href={href('/messages')}>Find another</a>
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

function One({ item }: { readonly item: MessageItem }) {
  const { id, type, version, context, destination, position, time, source, causationId, correlationId, outcomes } = item
  return (
    <>
      <header class="head">
        <div>
          <p class="crumbs">
            <a href={href('/messages')}>Messages</a> /{' '}
            <a href={href(addressOf('/messages', { destination }))}>{visible(destination)}</a> /{' '}
            {position.toLocaleString('en')}
          </p>
          <h1>
            {visible(type)} {visible(context ?? '')}
          </h1>
          <p>
            Accepted <When at={time} />
          </p>
        </div>
        <div class="buttons">
          <a class="button main" href={href(`/messages/${encodeURIComponent(id)}/story`)}>
            Its story
          </a>
          <a class="button" href={href(`/messages/${encodeURIComponent(id)}/receipt`)}>
            Receipt
          </a>
        </div>
      </header>
      <div class="two">
        <div>
          <section aria-labelledby="outcomes">
            <h2 id="outcomes">What became of it</h2>
            {outcomes.length === 0 ? (
              <p class="muted">No processor takes messages of {visible(destination)}.</p>
            ) : (
              <table>
                <Head of={['Processor', 'State', 'At the desk']} />
                <tbody>
                  {outcomes.map(({ processor, state, item: at }) => (
                    <tr key={processor}>
                      <th scope="row">{visible(processor)}</th>
                      <td>
                        <Badge state={state} />
                      </td>
                      <td>{at === null ? '–' : <a href={href(`/desk/${at}`)}>#{at}</a>}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            )}
          </section>
          <section aria-labelledby="data">
            <h2 id="data">Data</h2>
            <LongText text={laidOut(item.json)} />
          </section>
        </div>
        <section aria-labelledby="facts">
          <h2 id="facts">Facts</h2>
          <dl class="facts">
            <dt>Message</dt>
            <dd class="mono">{visible(id)}</dd>
            <dt>Type</dt>
            <dd class="mono">
              {visible(type)}, version {version}
            </dd>
            <dt>Sent by</dt>
            <dd class="mono">{visible(source)}</dd>
            <dt>Caused by</dt>
            <dd class="mono">
              {causationId === null ? (
                'nothing: it came from outside'
              ) : (
                <a href={href(`/messages/${encodeURIComponent(causationId)}`)}>{visible(causationId)}</a>
              )}
            </dd>
            <dt>Began as</dt>
            <dd class="mono">
              <a href={href(`/messages/${encodeURIComponent(correlationId)}`)}>{visible(correlationId)}</a>
            </dd>
          </dl>
        </section>
      </div>
    </>
  )
}
