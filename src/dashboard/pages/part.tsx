// One processor: what it does now, how long it takes, and what a person can set.
import { useSignal } from '@preact/signals'
import { type Histogram, histogramBoundsMs } from '../../model/metrics.ts'
import type { ProcessorRow } from '../../operate/processors.ts'
import { useRead } from '../data.ts'
import { Act, type Doing } from '../parts/act.tsx'
import { Badge } from '../parts/badge.tsx'
import { pausing, resuming, settingConcurrency } from '../parts/part-acts.tsx'
import { Rate } from '../parts/rates.tsx'
import { Empty, Gone, Shown, Trouble } from '../parts/states.tsx'
import { Ago, When } from '../parts/when.tsx'
import { addressOf } from '../pure/routes.ts'
import { count, partSentences, visible } from '../pure/words.ts'
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
  // A part that delivers nothing has none.
  if (problem?.status === 404) return null
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
            <thead>
              <tr>
                <th scope="col">Message</th>
                <th scope="col">Answer</th>
                <th scope="col" class="number">
                  Took
                </th>
                <th scope="col">When</th>
              </tr>
            </thead>
            <tbody>
              {value.map(({ id, at, status, answer, error, tookMs }, row) => (
                <tr key={`${id} ${row}`}>
                  <th scope="row">
                    <a href={href(`/messages/${encodeURIComponent(id)}`)}>{visible(id)}</a>
                  </th>
                  <td class={status !== null && status < 300 ? 'ok' : 'failing'}>
                    {status ?? visible(error?.message ?? 'no answer')}
                    {answer !== null && answer !== '' && (
                      <details>
                        <summary>Its text</summary>
                        <pre>{visible(answer)}</pre>
                      </details>
                    )}
                  </td>
                  <td class="number">{Math.round(tookMs).toLocaleString('en')} ms</td>
                  <td>
                    <Ago at={at} />
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
