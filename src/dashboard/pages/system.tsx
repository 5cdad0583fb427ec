// What runs: the processors with their rates, and the way to schedules, delayed messages and the audit log.
import { useRead } from '../data.ts'
import { Badge } from '../parts/badge.tsx'
import { Rate } from '../parts/rates.tsx'
import { Empty, Shown } from '../parts/states.tsx'
import { SystemTabs } from '../parts/system-tabs.tsx'
import { took, visible } from '../pure/words.ts'
import { href } from '../router.ts'

export function System() {
  const parts = useRead({ path: '/api/parts' })
  return (
    <>
      <header class="head">
        <div>
          <h1>System</h1>
          <p class="lead">Each processor reads one topic or channel, by itself: none waits for another.</p>
        </div>
      </header>
      <SystemTabs at="parts" />
      <Shown of={parts} what="The processors">
        {(rows) =>
          rows.length === 0 ? (
            <Empty>
              <p>The app has no processors.</p>
            </Empty>
          ) : (
            <div class="scroll">
              <table>
                <thead>
                  <tr>
                    <th scope="col">Processor</th>
                    <th scope="col">State</th>
                    <th scope="col" class="number">
                      Handles
                    </th>
                    <th scope="col" class="number">
                      To do
                    </th>
                    <th scope="col" class="number">
                      Held
                    </th>
                    <th scope="col" class="number late">
                      Runs
                    </th>
                    <th scope="col" class="number late" title="From publish to commit, of the newest message">
                      Takes
                    </th>
                    <th scope="col" class="late">
                      Reads
                    </th>
                    <th scope="col" class="late">
                      Owner
                    </th>
                  </tr>
                </thead>
                <tbody>
                  {rows.map((row) => (
                    <tr key={`${row.name} ${row.on}`}>
                      <th scope="row">
                        <a class="row" href={href(`/system/parts/${encodeURIComponent(row.name)}`)}>
                          {visible(row.name)}
                        </a>
                      </th>
                      <td>
                        <Badge state={row.state} />
                      </td>
                      <td class="number">
                        <Rate row={row} />
                      </td>
                      <td class="number">{row.lag.toLocaleString('en')}</td>
                      <td class={`number ${row.held > 0 ? 'held' : ''}`}>{row.held.toLocaleString('en')}</td>
                      <td class="number late">
                        {row.running.toLocaleString('en')}
                        {row.concurrency !== null &&
                          ` of ${(row.concurrencySet ?? row.concurrency).toLocaleString('en')}`}
                      </td>
                      <td class="number late">
                        {row.counts?.criticalNewestMs == null ? '–' : took(row.counts.criticalNewestMs)}
                      </td>
                      <td class="late">{visible(row.on)}</td>
                      <td class="late">{visible(row.owner ?? '–')}</td>
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
