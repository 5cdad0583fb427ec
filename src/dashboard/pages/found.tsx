// The messages of topics and channels, found by id, type, context, flow, time or words. Each search is an address.

import type { MessageFilter, MessageRow } from '../../model/message-views.ts'
import { useRead } from '../data.ts'
import { Head } from '../parts/head.tsx'
import { More, type PageAt, Pages } from '../parts/pages.tsx'
import { Empty, Shown } from '../parts/states.tsx'
import { Ago, clock } from '../parts/when.tsx'
import { addressOf } from '../pure/routes.ts'
import { filterOf, type Search, searchOf } from '../pure/search.ts'
import { visible } from '../pure/words.ts'
import { go, href, query } from '../router.ts'

const each = 100

export function Found() {
  const search = searchOf(query.value)
  const filter = filterOf(search, Date.now())
  return (
    <>
      <header class="head">
        <div>
          <h1>Messages</h1>
          <p class="lead">All that was accepted, the newest first, as long as its topic keeps it.</p>
        </div>
      </header>
      <SearchForm key={query.value.toString()} search={search} />
      <Pages<string> key={`rows ${query.value}`}>{(page) => <Rows filter={filter} page={page} />}</Pages>
    </>
  )
}

/** On a phone the filters are folded up until one is set. */
const isWide = matchMedia('(min-width: 900px)').matches

function SearchForm({ search }: { readonly search: Search }) {
  const send = (event: SubmitEvent) => {
    event.preventDefault()
    const form = new FormData(event.currentTarget as HTMLFormElement)
    const said = (name: string) => String(form.get(name) ?? '').trim() || undefined
    const id = said('id')
    if (id !== undefined) return go(`/messages/${encodeURIComponent(id)}`)
    const names = ['text', 'type', 'context', 'destination', 'since', 'until'] as const
    go(addressOf('/messages', { ...Object.fromEntries(names.map((name) => [name, said(name)])), flow: search.flow }))
  }
  const field = (name: keyof Search | 'id', label: string, hint: string) => (
    <label>
      {label}
      <input
        name={name}
        value={name === 'id' ? '' : (search[name] ?? '')}
        placeholder={hint}
        autocomplete="off"
        spellcheck={false}
      />
    </label>
  )
  return (
    <form class="filters" onSubmit={send}>
      {field('text', 'Words in its data', 'teapot 21085')}
      <details open={isWide || Object.keys(search).length > 0}>
        <summary>More filters</summary>
        <div>
          {field('type', 'Type', 'order.placed')}
          {field('context', 'Context', 'order 536365')}
          {field('destination', 'Topic or channel', 'orders')}
          {field('since', 'Since', '2h, or 2026-11-29T08:00Z')}
          {field('until', 'Until', '2026-11-29T09:00Z')}
          {field('id', 'Or by its id', 'id of the message')}
        </div>
      </details>
      <div class="buttons">
        <button type="submit" class="main">
          Find
        </button>
        <a href={href('/messages')}>Clear</a>
      </div>
      {search.flow !== undefined && (
        <p class="muted">
          Only the flow of {visible(search.flow)}.{' '}
          <a href={href(addressOf('/messages', { ...search, flow: undefined }))}>All</a>
        </p>
      )}
    </form>
  )
}

function Rows({ filter, page }: { readonly filter: MessageFilter; readonly page: PageAt<string> }) {
  const read = useRead({ path: '/api/messages', query: { ...filter, after: page.after, limit: each } })
  return (
    <Shown of={read} what="The messages">
      {({ items, next, lookedBackTo }) => (
        <>
          {items.length > 0 && <MessageTable rows={items} />}
          {items.length === 0 && next === null && page.at === 0 && (
            <Empty>
              <p>No message fits.</p>
              <a href={href('/messages')}>Clear the filters</a>
            </Empty>
          )}
          <More page={page} next={next} each={each} word="Look further">
            {items.length === 0 && 'Nothing fits so far. '}
            {lookedBackTo !== null && `Looked back to ${clock(lookedBackTo)}. `}
          </More>
        </>
      )}
    </Shown>
  )
}

export function MessageTable({ rows }: { readonly rows: readonly MessageRow[] }) {
  return (
    <table>
      <Head of={['Message', 'Topic or channel', ['Data', 'late'], 'When']} />
      <tbody>
        {rows.map(({ id, type, context, destination, position, json, bytes, time }) => (
          <tr key={`${destination} ${position}`}>
            <th scope="row">
              <a class="row" href={href(`/messages/${encodeURIComponent(id)}`)}>
                {visible(type)} {visible(context ?? '')}
              </a>
            </th>
            <td>
              {visible(destination)} <span class="muted">{position.toLocaleString('en')}</span>
            </td>
            <td class="late">
              {json === null ? (
                <span class="muted">{bytes.toLocaleString('en')} bytes</span>
              ) : (
                <code class="one-line">{visible(json.slice(0, 200))}</code>
              )}
            </td>
            <td>
              <Ago at={time} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
