// The flows of mediators: those that need a person first, then all under way, or ended.

import type { FlowState } from '../../model/flow.ts'
import type { FlowFilter, FlowRow } from '../../model/flow-views.ts'
import { useRead } from '../data.ts'
import { Badge } from '../parts/badge.tsx'
import { Head } from '../parts/head.tsx'
import { More, type PageAt, Pages } from '../parts/pages.tsx'
import { Empty, Shown } from '../parts/states.tsx'
import { Ago } from '../parts/when.tsx'
import { errorText } from '../pure/cards.ts'
import { addressOf } from '../pure/routes.ts'
import { took, visible } from '../pure/words.ts'
import { href, query } from '../router.ts'
import { may } from '../session.ts'

interface View {
  readonly name: string
  readonly word: string
  readonly states: readonly FlowState[]
}

const views: readonly [View, ...View[]] = [
  { name: '', word: 'Under way', states: ['queued', 'running', 'compensating', 'stuck', 'paused'] },
  { name: 'trouble', word: 'Stuck or paused', states: ['stuck', 'paused'] },
  { name: 'compensating', word: 'Being undone', states: ['compensating'] },
  { name: 'failed', word: 'Failed or undone', states: ['failed', 'compensated', 'stopped'] },
  { name: 'completed', word: 'Completed', states: ['completed'] },
]

export function Flows() {
  const mediator = query.value.get('mediator') ?? undefined
  const context = query.value.get('context') ?? undefined
  const view = views.find(({ name }) => name === query.value.get('state')) ?? views[0]
  const at = (state: string) => href(addressOf('/flows', { state, mediator, context }))
  return (
    <>
      <header class="head">
        <div>
          <h1>Flows</h1>
          <p class="lead">
            A flow takes several steps for one order or account. It continues after any crash, and undoes its steps when
            it fails.
          </p>
        </div>
      </header>
      {may('see') && <Counts mediator={mediator} />}
      <div class="chips">
        {views.map(({ name, word }) => (
          <a key={name} href={at(name)} aria-current={name === view.name ? 'true' : undefined}>
            {word}
          </a>
        ))}
        {[
          ['only', mediator, { context }],
          ['of', context, { mediator }],
        ].map(([word, value, rest]) =>
          value === undefined ? null : (
            <a
              key={String(word)}
              href={href(addressOf('/flows', { state: view.name, ...(rest as Record<string, string | undefined>) }))}
              aria-current="true"
            >
              {String(word)} {visible(String(value))} <span aria-hidden="true">×</span>
              <span class="quietly">clear the filter</span>
            </a>
          ),
        )}
      </div>
      <Pages<number> key={`${view.name} ${mediator} ${context}`}>
        {(page) => <ListPage filter={{ states: view.states, mediator, context }} page={page} />}
      </Pages>
    </>
  )
}

/** The mediators, each with its flows by state. */
function Counts({ mediator }: { readonly mediator: string | undefined }) {
  const counts = useRead({ path: '/api/flows/counts' })
  return (
    <Shown of={counts} what="The counts">
      {(rows) => {
        const names = [...new Set(rows.map((row) => row.mediator))]
        if (names.length === 0) return null
        return (
          <dl class="numbers">
            {names.map((name) => {
              const own = rows.filter((row) => row.mediator === name)
              const sum = (states: readonly FlowState[]) =>
                own.reduce((all, { state, flows }) => (states.includes(state) ? all + flows : all), 0)
              const trouble = sum(['stuck', 'paused'])
              return (
                <div key={name}>
                  <dt>
                    <a href={href(addressOf('/flows', { mediator: name === mediator ? undefined : name }))}>
                      {visible(name)}
                    </a>
                  </dt>
                  <dd>{sum(views[0].states).toLocaleString('en')} under way</dd>
                  {trouble > 0 && <dd class="word failing">{trouble.toLocaleString('en')} stuck or paused</dd>}
                </div>
              )
            })}
          </dl>
        )
      }}
    </Shown>
  )
}

const each = 100

function ListPage({ filter, page }: { readonly filter: FlowFilter; readonly page: PageAt<number> }) {
  const read = useRead({ path: '/api/flows', query: { ...filter, after: page.after, limit: each } })
  return (
    <Shown of={read} what="The flows">
      {({ items, next }) =>
        items.length === 0 ? (
          page.at === 0 ? (
            <Empty>
              <p>No flow is in this state{filter.mediator === undefined ? '' : ` in ${visible(filter.mediator)}`}.</p>
            </Empty>
          ) : null
        ) : (
          <>
            <FlowTable rows={items} />
            <More page={page} next={items.length < each ? null : (next as number | null)} each={each} />
          </>
        )
      }
    </Shown>
  )
}

export function FlowTable({ rows }: { readonly rows: readonly FlowRow[] }) {
  return (
    <table>
      <Head of={['Flow', 'State', 'Mediator', ['Error', 'late'], 'Began', ['Took', 'late']]} />
      <tbody>
        {rows.map(({ id, mediator, state, context, error, held, startedAt, endedAt }) => (
          <tr key={id}>
            <th scope="row">
              <a class="row" href={href(`/flows/${id}`)}>
                #{id} {visible(context ?? '')}
              </a>
            </th>
            <td>
              <Badge state={state} />
              {held != null && (
                <div>
                  <a href={href(`/desk/${held}`)}>waits for the desk</a>
                </div>
              )}
            </td>
            <td>{visible(mediator)}</td>
            <td class="late">{error === null ? '–' : visible(errorText(error.message).slice(0, 160))}</td>
            <td>
              <Ago at={startedAt} />
            </td>
            <td class="late">{endedAt === null ? '–' : took(endedAt - startedAt)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
