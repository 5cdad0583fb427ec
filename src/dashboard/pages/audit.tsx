import { useSignal } from '@preact/signals'
import type { AuditRow } from '../../model/desk.ts'
import { useRead } from '../data.ts'
import { Empty, Shown } from '../parts/states.tsx'
import { SystemTabs } from '../parts/system-tabs.tsx'
import { When } from '../parts/when.tsx'
import { visible } from '../pure/words.ts'
import { href } from '../router.ts'

const pageRows = 100

/** Who did what, when and why, the newest first. No line is ever removed. */
export function Audit() {
  const cursors = useSignal<readonly (number | undefined)[]>([undefined])
  return (
    <>
      <header class="head">
        <div>
          <h1>Audit</h1>
          <p class="lead">Who did what, when and why. No line is ever removed.</p>
        </div>
      </header>
      <SystemTabs at="audit" />
      <div class="scroll">
        {cursors.value.map((before, at) => (
          <Lines
            key={before}
            before={before}
            more={at === cursors.value.length - 1 ? (next) => (cursors.value = [...cursors.value, next]) : undefined}
          />
        ))}
      </div>
    </>
  )
}

function Lines({
  before,
  more,
}: {
  readonly before: number | undefined
  readonly more: ((next: number) => void) | undefined
}) {
  const page = useRead({ path: '/api/audit', query: { before, limit: pageRows } })
  return (
    <Shown of={page} what="The audit log">
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
            {more !== undefined && items.length === pageRows && next !== null && (
              <p class="more">
                <button type="button" onClick={() => more(Number(next))}>
                  Show more
                </button>
              </p>
            )}
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
