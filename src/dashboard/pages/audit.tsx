import type { AuditRow } from '../../model/desk.ts'
import { useRead } from '../data.ts'
import { Head } from '../parts/head.tsx'
import { More, type PageAt, Pages } from '../parts/pages.tsx'
import { Empty, Shown } from '../parts/states.tsx'
import { SystemTabs } from '../parts/system-tabs.tsx'
import { When } from '../parts/when.tsx'
import { addressOf } from '../pure/routes.ts'
import { visible } from '../pure/words.ts'
import { go, href, query } from '../router.ts'

const pageRows = 100

/** Who did what, when and why, the newest first. No line is ever removed. */
export function Audit() {
  const filter = filterIn(query.value)
  return (
    <>
      <header class="head">
        <div>
          <h1>Audit</h1>
          <p class="lead">Who did what, when and why. No line is ever removed.</p>
        </div>
      </header>
      <SystemTabs at="audit" />
      <Filter of={filter} />
      <Pages<number> key={JSON.stringify(filter)}>{(page) => <Lines page={page} filter={filter} />}</Pages>
    </>
  )
}

interface Filtered {
  readonly refused?: true | undefined
  /** The number of a message at the desk. */
  readonly item?: number | undefined
  /** The number of a group of held messages. */
  readonly group?: number | undefined
}

/** What the address asks for; what is no number is left out. */
function filterIn(query: URLSearchParams): Filtered {
  const number = (name: string) => (/^\d{1,15}$/.test(query.get(name) ?? '') ? Number(query.get(name)) : undefined)
  return { refused: query.get('refused') === 'yes' || undefined, item: number('item'), group: number('group') }
}

function Filter({ of: { refused, item, group } }: { readonly of: Filtered }) {
  const all = refused === undefined && item === undefined && group === undefined
  const find = (event: SubmitEvent) => {
    event.preventDefault()
    const said = new FormData(event.currentTarget as HTMLFormElement)
    const [item, group] = ['item', 'group'].map((name) => String(said.get(name)).replace(/\D/g, ''))
    go(addressOf('/system/audit', { item, group }))
  }
  return (
    <form class="filter" onSubmit={find} key={`${item} ${group}`}>
      <div class="chips">
        <a href={href('/system/audit')} aria-current={all ? 'true' : undefined}>
          Everything
        </a>
        <a href={href('/system/audit?refused=yes')} aria-current={refused ? 'true' : undefined}>
          Refused requests
        </a>
      </div>
      <label>
        Message # <input name="item" inputMode="numeric" size={8} defaultValue={item ?? ''} />
      </label>
      <label>
        Group # <input name="group" inputMode="numeric" size={8} defaultValue={group ?? ''} />
      </label>
      <button type="submit">Filter</button>
    </form>
  )
}

interface LinesProps {
  readonly page: PageAt<number>
  readonly filter: Filtered
}

function Lines({ page, filter }: LinesProps) {
  const { after: before } = page
  const read = useRead({ path: '/api/audit', query: { ...filter, before, limit: pageRows } })
  return (
    <Shown of={read} what="The audit log">
      {({ items, next }) =>
        items.length === 0 ? (
          <Empty>
            <p>
              {before !== undefined
                ? 'There is nothing older.'
                : Object.values(filter).every((value) => value === undefined)
                  ? 'Nothing has been done yet.'
                  : 'No line fits.'}
            </p>
            {before === undefined && query.value.size > 0 && <a href={href('/system/audit')}>Clear the filter</a>}
          </Empty>
        ) : (
          <>
            <table>
              <Head of={['Who and what', 'When', ['Why', 'late']]} />
              <tbody>
                {items.map((row) => (
                  <Line key={row.id} row={row} />
                ))}
              </tbody>
            </table>
            <More page={page} next={items.length < pageRows ? null : (next as number | null)} each={pageRows} />
          </>
        )
      }
    </Shown>
  )
}

function Line({ row: { by, action, item, group, subject, at, reason } }: { readonly row: AuditRow }) {
  const what = `${action} ${subject}`
  const to = item !== null ? `/desk/${item}` : group !== null ? `/desk/g/${group}` : undefined
  return (
    <tr>
      <th scope="row">
        <strong>{visible(by)}</strong>{' '}
        {to === undefined ? (
          visible(what)
        ) : (
          <a href={href(to)}>{visible(`${what}${item === null ? '' : ` #${item}`}`)}</a>
        )}
      </th>
      <td>
        <When at={at} />
      </td>
      <td class="late">{visible(reason ?? '')}</td>
    </tr>
  )
}
