// What runs: the processors with their rates, and the way to schedules, delayed messages and the audit log.
import type { ProcessorRow } from '../../operate/processors.ts'
import type { Series } from '../../operate/series.ts'
import { useRead } from '../data.ts'
import { Badge } from '../parts/badge.tsx'
import { Spark } from '../parts/chart.tsx'
import { Head } from '../parts/head.tsx'
import { Rate } from '../parts/rates.tsx'
import { Empty, Shown, Trouble } from '../parts/states.tsx'
import { SystemTabs } from '../parts/system-tabs.tsx'
import { rateText } from '../pure/rates.ts'
import { took, visible } from '../pure/words.ts'
import { href } from '../router.ts'
import { may } from '../session.ts'

export function System() {
  const parts = useRead({ path: '/api/parts' })
  const series = useRead({ path: '/api/series', when: may('see') })
  return (
    <>
      <header class="head">
        <div>
          <h1>System</h1>
          <p class="lead">Each processor reads one topic or channel, by itself: none waits for another.</p>
        </div>
      </header>
      <SystemTabs at="parts" />
      <Trouble of={series} what="The last hour" />
      <Shown of={parts} what="The processors">
        {(rows) =>
          rows.length === 0 ? (
            <Empty>
              <p>The app has no processors.</p>
            </Empty>
          ) : (
            <div class="scroll">
              <table>
                <Head
                  of={[
                    'Processor',
                    'State',
                    ['Handles', 'number'],
                    ['Last hour', 'late', 'How many it handled in a second'],
                    ['To do', 'number'],
                    ['Held', 'number'],
                    ['Runs', 'number late'],
                    ['Takes', 'number late', 'From publish to commit, of the newest message'],
                    ['Reads', 'late'],
                    ['Owner', 'late'],
                  ]}
                />
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
                      <td class="late">
                        <Hour series={series.value.value} row={row} />
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

/** The rate of the last hour, as a small picture. */
function Hour({ series, row: { name, on } }: { readonly series: Series | undefined; readonly row: ProcessorRow }) {
  const part = series?.parts.find((one) => one.name === name && one.on === on)
  if (series === undefined || part === undefined) return <span class="muted">–</span>
  const { at, stepMs } = series
  const most = part.perSecond.reduce<number>((a, b) => Math.max(a, b ?? 0), 0)
  const label = `${name} handled at most ${rateText(most) || 'nothing'} in the last hour`
  return <Spark line={{ at, stepMs, values: part.perSecond }} label={label} />
}
