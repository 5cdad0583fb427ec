import type { AuditRow } from '../../model/desk.ts'
import { useRead } from '../data.ts'
import { More, type PageAt, Pages } from '../parts/pages.tsx'
import { Empty, Shown } from '../parts/states.tsx'
import { SystemTabs } from '../parts/system-tabs.tsx'
import { When } from '../parts/when.tsx'
import { visible } from '../pure/words.ts'
import { href } from '../router.ts'

const pageRows = 100

/** Who did what, when and why, the newest first. No line is ever removed. */
export function Audit() {
  return (
    <>
      <header class="head">
        <div>
          <h1>Audit</h1>
          <p class="lead">Who did what, when and why. No line is ever removed.</p>
        </div>
      </header>
      <SystemTabs at="audit" />
      <Pages<number>>{(page) => <Lines page={page} />}</Pages>
    </>
  )
}

function Lines({ page }: { readonly page: PageAt<number> }) {
  const { after: before } = page
  const read = useRead({ path: '/api/audit', query: { before, limit: pageRows } })
  return (
    <Shown of={read} what="The audit log">
      {({ items, next }) =>
        items.length === 0 ? (
          <Empty>
            <p>{before === undefined ? 'Nothing has been done yet.' : 'There is nothing older.'}</p>
          </Empty>
        ) : (
          <>
            <table>
              <thead>
                <tr>
                  <th scope="col">Who and what</th>
                  <th scope="col">When</th>
                  <th scope="col" class="late">
                    Why
                  </th>
                </tr>
              </thead>
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
