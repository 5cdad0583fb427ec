// One processor: what it does now, how long it takes, and what a person can set.
import { useSignal } from '@preact/signals'
import { type Histogram, histogramBoundsMs } from '../../model/metrics.ts'
import type { ProcessorRow } from '../../operate/processors.ts'
import { useRead } from '../data.ts'
import { Act, type Doing } from '../parts/act.tsx'
import { Answered } from '../parts/answered.tsx'
import { Badge } from '../parts/badge.tsx'
import { Chart } from '../parts/chart.tsx'
import { Head } from '../parts/head.tsx'
import { pausing, resuming, settingConcurrency } from '../parts/part-acts.tsx'
import { Rate } from '../parts/rates.tsx'
import { Empty, Gone, Shown, Trouble } from '../parts/states.tsx'
import { Ago, clock, When } from '../parts/when.tsx'
import { every } from '../pure/chart.ts'
import { rateText } from '../pure/rates.ts'
import { addressOf } from '../pure/routes.ts'
import { count, partSentences, span, took, visible } from '../pure/words.ts'
import { href } from '../router.ts'
import { may } from '../session.ts'

export function Part({ name }: { readonly name: string }) {
  const parts = useRead({ path: '/api/parts' })
  return (
    <Shown of={parts} what="This processor">
      {(rows) => {
        const own = rows.filter((row) => row.name === name)
        return own.length === 0 ? <Gone what="This processor" /> : own.map((row) => <PartPage key={row.on} row={row} />)
      }}
    </Shown>
  )
}

function PartPage({ row }: { readonly row: ProcessorRow }) {
  const { name, on, state, lag, held, running, paused, counts, concurrency, concurrencySet, owner } = row
  return (
    <>
      <header class="head">
        <div>
          <p class="crumbs">
            <a href={href('/system')}>System</a> / {visible(name)}
          </p>
          <h1>{visible(name)}</h1>
          <p>
            <Badge state={state} /> {partSentences[state] ?? ''}
          </p>
        </div>
        <Buttons row={row} />
      </header>
      {paused !== null && (
        <p class="state">
          <span>
            {visible(paused.by)} paused it <When at={paused.at} />
            {paused.reason !== null && `: ${visible(paused.reason)}`}
          </span>
        </p>
      )}
      <dl class="numbers">
        <div>
          <dt>handles</dt>
          <dd>
            <Rate row={row} />
          </dd>
        </div>
        <div>
          <dt>to do</dt>
          <dd>{lag.toLocaleString('en')}</dd>
        </div>
        <div>
          <dt>runs now</dt>
          <dd>
            {running.toLocaleString('en')}
            {concurrency !== null && ` of ${(concurrencySet ?? concurrency).toLocaleString('en')}`}
          </dd>
        </div>
        <div>
          <dt>held</dt>
          <dd>
            {held === 0 ? '0' : <a href={href(addressOf('/desk', { part: name }))}>{held.toLocaleString('en')}</a>}
          </dd>
        </div>
        {counts !== null && (
          <>
            <div>
              <dt>handled since the start</dt>
              <dd>{counts.handled.toLocaleString('en')}</dd>
            </div>
            <div>
              <dt>failed attempts</dt>
              <dd>{counts.failed.toLocaleString('en')}</dd>
            </div>
            <div>
              <dt>refused</dt>
              <dd>{counts.refused.toLocaleString('en')}</dd>
            </div>
          </>
        )}
      </dl>
      {counts !== null && <Hour name={name} on={on} />}
      {counts !== null && (
        <div class="two">
          <Durations title="How long an attempt takes" of={counts.attempt} />
          <Durations title="From publish to commit" of={counts.critical} />
        </div>
      )}
      <p class="muted">
        It reads <a href={href(addressOf('/messages', { destination: on }))}>{visible(on)}</a>
        {owner !== null && <>; {visible(owner)} answers for it</>}.{' '}
        <a href={href(addressOf('/map', { around: `processor:${name}` }))}>Show it on the map</a>
      </p>
      <Deliveries name={name} />
    </>
  )
}

function Buttons({ row }: { readonly row: ProcessorRow }) {
  const doing = useSignal<Doing | undefined>(undefined)
  if (!may('run')) return <p class="muted">You may look, but not pause or set it.</p>
  if (row.state === 'gone' || row.state === 'off') return null
  return (
    <div>
      <div class="buttons">
        {row.paused === null ? (
          <button type="button" onClick={() => (doing.value = pausing(row))}>
            Pause
          </button>
        ) : (
          <button type="button" class="main" onClick={() => (doing.value = resuming(row))}>
            Resume
          </button>
        )}
        <button type="button" onClick={() => (doing.value = settingConcurrency(row))}>
          Set how many run
        </button>
      </div>
      {doing.value !== undefined && <Act doing={doing.value} close={() => (doing.value = undefined)} />}
    </div>
  )
}

/** The samples of the last hour: as lines, and as a table of its minutes. */
function Hour({ name, on }: { readonly name: string; readonly on: string }) {
  const read = useRead({ path: '/api/series', query: { processor: name } })
  return (
    <section aria-labelledby="hour">
      <h2 id="hour">The last hour</h2>
      <Shown of={read} what="The last hour">
        {({ at, stepMs, parts }) => {
          const part = parts.find((one) => one.on === on)
          if (part === undefined) return <p class="muted">The first sample comes within {span(stepMs)}.</p>
          const lines = hourLines.map((line) => ({ ...line, line: { at, stepMs, values: part[line.of] } }))
          return (
            <>
              <div class="charts">
                {lines.map(({ title, says, line }) => (
                  <Chart key={title} title={title} line={line} says={says} />
                ))}
              </div>
              <details>
                <summary>The same as a table</summary>
                <div class="scroll">
                  <table>
                    <Head of={['At', ...lines.map(({ title }) => [title, 'number'] as const)]} />
                    <tbody>
                      {every(Math.round(60_000 / stepMs), at.length).map((n) => (
                        <tr key={at[n]}>
                          <th scope="row">{clock(at[n]!)}</th>
                          {lines.map(({ title, says, line: { values } }) => (
                            <td key={title} class="number">
                              {values[n] == null ? '–' : says(values[n])}
                            </td>
                          ))}
                        </tr>
                      ))}
                    </tbody>
                  </table>
                </div>
              </details>
            </>
          )
        }}
      </Shown>
    </section>
  )
}

const hourLines = [
  { of: 'perSecond', title: 'Handles', says: (value: number) => rateText(value) || '0/s' },
  { of: 'lag', title: 'To do', says: (value: number) => value.toLocaleString('en') },
  { of: 'criticalMs', title: 'Takes', says: took },
  { of: 'failed', title: 'Failed attempts', says: (value: number) => value.toLocaleString('en') },
] as const

/** A histogram as bars, and as a table for who cannot see them. */
function Durations({ title, of: { count: all, sumMs, buckets } }: { readonly title: string; readonly of: Histogram }) {
  if (all === 0) {
    return (
      <section>
        <h2>{title}</h2>
        <p class="muted">Nothing was counted yet.</p>
      </section>
    )
  }
  const first = buckets.findIndex((n) => n > 0)
  const last = buckets.findLastIndex((n) => n > 0)
  const most = Math.max(...buckets)
  return (
    <section>
      <h2>{title}</h2>
      <p class="muted">
        {(sumMs / all).toLocaleString('en', { maximumFractionDigits: 1 })} ms on average, of {count(all, 'time')}
      </p>
      <table class="bars">
        <thead class="quietly">
          <tr>
            <th scope="col">Up to</th>
            <th scope="col">Share</th>
            <th scope="col">Count</th>
          </tr>
        </thead>
        <tbody>
          {buckets.slice(first, last + 1).map((n, at) => {
            const bound = histogramBoundsMs[first + at]
            const text = bound === undefined ? 'longer' : bound < 1_000 ? `${bound} ms` : `${bound / 1_000} s`
            return (
              <tr key={text}>
                <th scope="row">{text}</th>
                <td>
                  <svg class="bar done" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
                    <rect x={0} y={1} width={(n / most) * 100} height={6} />
                  </svg>
                </td>
                <td class="number">{n.toLocaleString('en')}</td>
              </tr>
            )
          })}
        </tbody>
      </table>
    </section>
  )
}

/** The newest requests of a part that delivers to another system; nothing for others. */
function Deliveries({ name }: { readonly name: string }) {
  const deliveries = useRead({ path: '/api/parts/{name}/deliveries', params: { name }, when: may('see-data') })
  const { value, problem } = deliveries.value
  // A part that delivers nothing has none. While the server is away, the frame says so.
  if (problem?.status === 404 || problem?.away) return null
  if (value === undefined) return <Trouble of={deliveries} what="What it has sent" />
  return (
    <section aria-labelledby="deliveries">
      <h2 id="deliveries">What it has sent</h2>
      {value.length === 0 ? (
        <Empty>
          <p>Nothing was sent since the app began.</p>
        </Empty>
      ) : (
        <div class="scroll">
          <table>
            <Head of={['Message', 'Answer', ['Took', 'number'], 'When']} />
            <tbody>
              {value.map((exchange, row) => (
                <tr key={`${exchange.id} ${row}`}>
                  <th scope="row">
                    {exchange.attempt === 0 ? (
                      'a test'
                    ) : (
                      <a href={href(`/messages/${encodeURIComponent(exchange.id)}`)}>{visible(exchange.id)}</a>
                    )}
                    {exchange.attempt > 1 && <div class="muted">attempt {exchange.attempt}</div>}
                  </th>
                  <td>
                    <Answered exchange={exchange} />
                  </td>
                  <td class="number">{took(exchange.tookMs)}</td>
                  <td>
                    <Ago at={exchange.at} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  )
}
