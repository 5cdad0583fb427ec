// The story of a message: all that the first one has caused, as a tree of causes and effects, or in the order of time.
import type { MessageRow } from '../../model/message-views.ts'
import { useRead } from '../data.ts'
import { Empty, Partial, Shown } from '../parts/states.tsx'
import { clock } from '../parts/when.tsx'
import { addressOf } from '../pure/routes.ts'
import { type Told, treeOf } from '../pure/story.ts'
import { count, span, took, visible } from '../pure/words.ts'
import { href, query } from '../router.ts'

const pageRows = 500

export function Story({ id }: { readonly id: string }) {
  const after = query.value.get('after') ?? undefined
  const view = query.value.get('view') === 'time' ? 'time' : 'tree'
  const story = useRead({ path: '/api/messages/{id}/story', params: { id }, query: { after, limit: pageRows } })
  const path = `/messages/${encodeURIComponent(id)}/story`
  return (
    <Shown of={story} what="The story">
      {({ items, next, complete, correlationId }) => {
        const told = view === 'tree' ? treeOf(items) : items.map((row): Told => ({ row, depth: 0, isLate: false }))
        const begins = items[0]?.time ?? 0
        const lasts = (items.at(-1)?.time ?? 0) - begins
        return (
          <>
            <header class="head">
              <div>
                <p class="crumbs">
                  <a href={href('/messages')}>Messages</a> /{' '}
                  <a href={href(`/messages/${encodeURIComponent(id)}`)}>{visible(id)}</a>
                </p>
                <h1>Story</h1>
                <p class="lead">
                  {count(items.length, 'message')}
                  {next === null ? '' : ' and more'} in {took(lasts)}, from the first cause to its last effect.
                </p>
              </div>
            </header>
            <div class="chips">
              {(['tree', 'time'] as const).map((one) => (
                <a
                  key={one}
                  href={href(addressOf(path, { view: one === 'tree' ? undefined : one, after }))}
                  aria-current={one === view ? 'true' : undefined}
                >
                  {one === 'tree' ? 'Causes and effects' : 'In order of time'}
                </a>
              ))}
              {correlationId !== null && (
                <a href={href(addressOf('/messages', { flow: correlationId }))}>as a list with filters</a>
              )}
            </div>
            {items.length === 0 ? (
              <Empty>
                <p>Nothing is known of this message. It may have been removed.</p>
              </Empty>
            ) : (
              <ol class="story">
                {told.map((one) => (
                  <Line
                    key={`${one.row.destination} ${one.row.position}`}
                    told={one}
                    begins={begins}
                    isAsked={one.row.id === id}
                  />
                ))}
              </ol>
            )}
            {!complete && next === null && (
              <p class="more">
                Older messages of it may be missing: without the finder a story looks at a part of the log.
              </p>
            )}
            {next !== null && (
              <Partial to={addressOf(path, { view: view === 'tree' ? undefined : view, after: next })}>
                {items.length.toLocaleString('en')} are shown.
              </Partial>
            )}
          </>
        )
      }}
    </Shown>
  )
}

interface LineProps {
  readonly told: Told
  readonly begins: number
  readonly isAsked: boolean
}

function Line({ told: { row, depth, isLate }, begins, isAsked }: LineProps) {
  return (
    <li class={`depth-${Math.min(depth, 12)}`} aria-current={isAsked ? 'true' : undefined}>
      <span class="muted mono">{sinceText(row, begins)}</span>
      <span>
        <a href={href(`/messages/${encodeURIComponent(row.id)}`)}>
          {visible(row.type)} {visible(row.context ?? '')}
        </a>{' '}
        <span class="muted">
          in {visible(row.destination)}
          {isLate && ', its cause is not shown'}
          {depth > 12 && `, ${depth} steps from the first`}
        </span>
      </span>
      <time class="muted" dateTime={new Date(row.time).toISOString()}>
        {clock(row.time)}
      </time>
    </li>
  )
}

function sinceText({ time }: MessageRow, begins: number): string {
  const ms = time - begins
  return ms < 10_000 ? `+${ms.toLocaleString('en')} ms` : `+${span(ms)}`
}
