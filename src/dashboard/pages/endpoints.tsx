// The systems that parts deliver to: whether they take it, what they answered last, and when the next probe is.
import { useSignal } from '@preact/signals'
import type { Endpoint } from '../../operate/processors.ts'
import { useRead } from '../data.ts'
import { now } from '../live.ts'
import { Act, type Doing } from '../parts/act.tsx'
import { Answered } from '../parts/answered.tsx'
import { Badge } from '../parts/badge.tsx'
import { Head } from '../parts/head.tsx'
import { testing } from '../parts/part-acts.tsx'
import { Empty, Shown } from '../parts/states.tsx'
import { SystemTabs } from '../parts/system-tabs.tsx'
import { Ago, clock } from '../parts/when.tsx'
import { count, span, visible } from '../pure/words.ts'
import { href } from '../router.ts'
import { may } from '../session.ts'

export function Endpoints() {
  const endpoints = useRead({ path: '/api/endpoints' })
  const doing = useSignal<Doing | undefined>(undefined)
  return (
    <>
      <header class="head">
        <div>
          <h1>Endpoints</h1>
          <p class="lead">
            Other systems that this app delivers to. One that is away holds up only its own part: it is probed until it
            answers, then all follow in order.
          </p>
        </div>
      </header>
      <SystemTabs at="endpoints" />
      <Shown of={endpoints} what="The endpoints">
        {(rows) =>
          rows.length === 0 ? (
            <Empty>
              <p>This app delivers to no other system. A part made by deliver would be here.</p>
            </Empty>
          ) : (
            <div class="scroll">
              <table>
                <Head
                  of={[
                    'Endpoint',
                    'State',
                    'Last answer',
                    ['In a row', 'late', 'Requests in a row that it did not take'],
                    'Next probe',
                    may('run') ? 'Test' : undefined,
                  ]}
                />
                <tbody>
                  {rows.map((row) => (
                    <Row
                      key={`${row.name} ${row.on}`}
                      row={row}
                      test={() => (doing.value = testing(row.name, () => {}))}
                    />
                  ))}
                </tbody>
              </table>
            </div>
          )
        }
      </Shown>
      {doing.value !== undefined && <Act doing={doing.value} close={() => (doing.value = undefined)} />}
    </>
  )
}

function Row({ row: { name, to, state, last, failures, nextProbeAt }, test }: { row: Endpoint; test: () => void }) {
  return (
    <tr>
      <th scope="row">
        <a class="row" href={href(`/system/parts/${encodeURIComponent(name)}`)}>
          {visible(name)}
        </a>
        <div class="muted mono">{visible(to)}</div>
      </th>
      <td>
        <Badge state={state} />
      </td>
      <td>
        {last === null ? (
          <span class="muted">nothing was sent yet</span>
        ) : (
          <>
            <Answered exchange={last} />
            <div class="muted">
              <Ago at={last.at} />, {last.attempt === 0 ? 'a test' : `attempt ${last.attempt}`}
            </div>
          </>
        )}
      </td>
      <td class={failures > 0 ? 'late failing' : 'late'}>{failures === 0 ? '–' : `${count(failures, 'failure')}`}</td>
      <td>
        {nextProbeAt === null ? (
          '–'
        ) : (
          <>
            {nextProbeAt <= now.value ? 'now' : `in ${span(nextProbeAt - now.value)}`}
            <div class="muted">{clock(nextProbeAt)}</div>
          </>
        )}
      </td>
      {may('run') && (
        <td>
          <button type="button" onClick={test} aria-label={`Send a test to ${visible(name)}`}>
            Send a test…
          </button>
        </td>
      )}
    </tr>
  )
}
