// A list of messages at the desk.

import type { ComponentChildren } from 'preact'
import type { DeskFilter, DeskRow } from '../../model/desk-views.ts'
import { useRead } from '../data.ts'
import { Badge } from '../parts/badge.tsx'
import { Head } from '../parts/head.tsx'
import { More, type PageAt, Pages } from '../parts/pages.tsx'
import { Shown } from '../parts/states.tsx'
import { Ago } from '../parts/when.tsx'
import { errorText } from '../pure/cards.ts'
import { count, visible } from '../pure/words.ts'
import { href } from '../router.ts'

const each = 100

interface MessagesProps {
  readonly filter: Pick<DeskFilter, 'states' | 'processor' | 'group' | 'context'>
  /** What is shown where there is none. */
  readonly children: ComponentChildren
}

export function Messages({ filter, children }: MessagesProps) {
  return (
    <Pages<number>>
      {(page) => <MessagesPage filter={filter} page={page} none={page.at === 0 ? children : null} />}
    </Pages>
  )
}

interface PageProps {
  readonly filter: MessagesProps['filter']
  readonly page: PageAt<number>
  readonly none: ComponentChildren
}

function MessagesPage({ filter, page, none }: PageProps) {
  const read = useRead({ path: '/api/desk', query: { ...filter, after: page.after, limit: each } })
  return (
    <Shown of={read} what="The messages">
      {({ items, next }) =>
        items.length === 0 ? (
          none
        ) : (
          <>
            <DeskTable rows={items} />
            <More page={page} next={items.length < each ? null : (next as number | null)} each={each} />
          </>
        )
      }
    </Shown>
  )
}

export function DeskTable({ rows }: { readonly rows: readonly DeskRow[] }) {
  return (
    <table>
      <Head of={['Message', 'State', ['Error', 'late'], ['Processor', 'late'], ['In line', 'number'], 'Since']} />
      <tbody>
        {rows.map(({ id, message, state, error, processor, waiting, heldAt, claim }) => (
          <tr key={id}>
            <th scope="row">
              <a class="row" href={href(`/desk/${id}`)}>
                {visible(message.type)} {visible(message.context ?? `#${id}`)}
              </a>
              <div class="muted">{visible(message.id)}</div>
              {claim !== null && <div class="muted">{visible(claim.by)} works on it</div>}
            </th>
            <td>
              <Badge state={state} />
            </td>
            <td class="late">{error === null ? '–' : visible(errorText(error.message).slice(0, 160))}</td>
            <td class="late">{visible(processor)}</td>
            <td class="number">{waiting >= 1_000 ? '1,000+' : waiting === 0 ? '–' : count(waiting, '', '').trim()}</td>
            <td>
              <Ago at={heldAt} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

/** The line behind a message: the messages in the order of their turns. All are of one context and one processor. */
export function LineTable({ rows, from }: { readonly rows: readonly DeskRow[]; readonly from: number }) {
  return (
    <table>
      <Head of={[['Turn', 'number'], 'Message', 'Waits']} />
      <tbody>
        {rows.map(({ id, message, heldAt, claim, corrections }, at) => (
          <tr key={id}>
            <td class="number">{from + at + 1}</td>
            <th scope="row">
              <a class="row" href={href(`/desk/${id}`)}>
                {visible(message.type)}
              </a>{' '}
              <span class="muted">{visible(message.id)}</span>
              {corrections > 0 && <div class="muted">corrected before its turn</div>}
              {claim !== null && <div class="muted">{visible(claim.by)} works on it</div>}
            </th>
            <td>
              <Ago at={heldAt} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
