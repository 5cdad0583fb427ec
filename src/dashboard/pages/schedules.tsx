// What time will bring: the schedules, and the messages that come later.

import { useRead } from '../data.ts'
import { Head } from '../parts/head.tsx'
import { More, type PageAt, Pages } from '../parts/pages.tsx'
import { Empty, Shown } from '../parts/states.tsx'
import { SystemTabs } from '../parts/system-tabs.tsx'
import { Ago, clock } from '../parts/when.tsx'
import { count, visible } from '../pure/words.ts'
import { href } from '../router.ts'

export function Schedules() {
  const schedules = useRead({ path: '/api/schedules' })
  return (
    <>
      <header class="head">
        <div>
          <h1>Schedules</h1>
          <p class="lead">
            Each slot publishes one event, once, also when the app was down at that moment and its code says so.
          </p>
        </div>
      </header>
      <SystemTabs at="schedules" />
      <Shown of={schedules} what="The schedules">
        {(rows) =>
          rows.length === 0 ? (
            <Empty>
              <p>The app has no schedules.</p>
            </Empty>
          ) : (
            <div class="scroll">
              <table>
                <Head of={['Schedule', 'Next', 'Last', ['Publishes', 'late'], ['When missed', 'late']]} />
                <tbody>
                  {rows.map(({ name, gone, cron, timeZone, publishes, missed, nextAt, lastAt, waiting }) => (
                    <tr key={name}>
                      <th scope="row">
                        {visible(name)}
                        <div class="muted mono">
                          {visible(cron ?? '')} {visible(timeZone ?? '')}
                        </div>
                        {gone && <div class="muted">Its code is gone.</div>}
                      </th>
                      <td>
                        {nextAt === null ? '–' : clock(nextAt)}
                        {waiting > 0 && <div class="slow">{count(waiting, 'slot waits', 'slots wait')}</div>}
                      </td>
                      <td>{lastAt === null ? 'never' : <Ago at={lastAt} />}</td>
                      <td class="late">{visible(publishes ?? '–')}</td>
                      <td class="late">{missed === null ? '–' : missedWords[missed]}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          )
        }
      </Shown>
    </>
  )
}

const missedWords = { skip: 'left out', once: 'made up for once', all: 'all made up for' }

export function Delayed() {
  return (
    <>
      <header class="head">
        <div>
          <h1>Delayed messages</h1>
          <p class="lead">They are on disk and come at their time, the next first.</p>
        </div>
      </header>
      <SystemTabs at="delayed" />
      <Pages<string>>{(page) => <DelayedRows page={page} />}</Pages>
    </>
  )
}

const each = 100

function DelayedRows({ page }: { readonly page: PageAt<string> }) {
  const read = useRead({ path: '/api/delayed', query: { after: page.after, limit: each } })
  return (
    <Shown of={read} what="The delayed messages">
      {({ items, next }) =>
        items.length === 0 ? (
          page.at === 0 ? (
            <Empty>
              <p>Nothing comes later.</p>
            </Empty>
          ) : null
        ) : (
          <>
            <table>
              <Head of={['Message', 'Comes', ['Topic or channel', 'late'], ['Accepted', 'late']]} />
              <tbody>
                {items.map(({ id, type, context, dueAt, destination, acceptedAt, causationId }) => (
                  <tr key={`${type} ${id}`}>
                    <th scope="row">
                      {visible(type)} {visible(context ?? '')}
                      {causationId !== null && (
                        <div>
                          <a href={href(`/messages/${encodeURIComponent(causationId)}`)}>its cause</a>
                        </div>
                      )}
                    </th>
                    <td>{clock(dueAt)}</td>
                    <td class="late">{visible(destination)}</td>
                    <td class="late">
                      <Ago at={acceptedAt} />
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
            <More page={page} next={next} each={each} />
          </>
        )
      }
    </Shown>
  )
}
