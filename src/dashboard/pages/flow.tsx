// One flow: its steps on one line of time, what it waits for, what is undone, and what a person can do about it.
import { useSignal } from '@preact/signals'
import type { FlowItem, FlowStep } from '../../operate/flows.ts'
import { useRead } from '../data.ts'
import { now } from '../live.ts'
import { Act, type Doing } from '../parts/act.tsx'
import { Badge } from '../parts/badge.tsx'
import { cancelling, pausing, resuming, runningAgain, stopping } from '../parts/flow-acts.ts'
import { Head } from '../parts/head.tsx'
import { Icon } from '../parts/icon.tsx'
import { LongText, Stack } from '../parts/long-text.tsx'
import { Misfit } from '../parts/misfit.tsx'
import { Empty, Shown } from '../parts/states.tsx'
import { clock, When } from '../parts/when.tsx'
import { laidOut } from '../pure/json.ts'
import { barOf, stepText, waitsFor } from '../pure/steps.ts'
import { count, took, visible } from '../pure/words.ts'
import { href } from '../router.ts'
import { may } from '../session.ts'

export function Flow({ id }: { readonly id: number }) {
  const flow = useRead({ path: '/api/flows/{id}', params: { id } })
  return (
    <Shown of={flow} what="This flow">
      {(shown) => <FlowPage flow={shown} />}
    </Shown>
  )
}

function FlowPage({ flow }: { readonly flow: FlowItem }) {
  const { id, mediator, version, context, state, error, startedAt, endedAt, message, result, held, steps } = flow
  return (
    <>
      <header class="head">
        <div>
          <p class="crumbs">
            <a href={href('/flows')}>Flows</a> / {visible(mediator)} / #{id}
          </p>
          <h1>
            {visible(mediator)} {visible(context ?? `#${id}`)}
          </h1>
          <p>
            <Badge state={state} />, began <When at={startedAt} />
            {endedAt !== null && <>, took {took(endedAt - startedAt)}</>}
          </p>
        </div>
        <Buttons flow={flow} />
      </header>
      {error !== null && (
        <div class="state failing">
          <Icon name="failing" />
          <div>
            <p>
              <strong>{visible(error.message)}</strong>
            </p>
            <p class="muted">{visible(error.code)}</p>
            <Stack of={error} />
          </div>
        </div>
      )}
      <Misfit error={error} />
      {endedAt === null && (
        <ul class="facts-line">
          {held != null && (
            <li>
              A command of it is held: <a href={href(`/desk/${held}`)}>repair it at the desk</a>. Then the flow
              continues.
            </li>
          )}
          {waitsFor(steps).map((step) => (
            <li key={step.name}>
              It waits for {visible(stepText(step))}
              {step.kind === 'ask' && (
                <>
                  : <a href={href('/inbox')}>answer it</a>
                </>
              )}
              {step.flow !== null && (
                <>
                  : <a href={href(`/flows/${step.flow}`)}>flow #{step.flow}</a>
                </>
              )}
              {step.dueAt !== null && <>, until {clock(step.dueAt)}</>}
            </li>
          ))}
        </ul>
      )}
      <section aria-labelledby="steps">
        <h2 id="steps">Steps</h2>
        {steps.length === 0 ? (
          <Empty>
            <p>It has taken no step yet.</p>
          </Empty>
        ) : (
          <Steps flow={flow} />
        )}
      </section>
      <div class="two">
        <section aria-labelledby="data">
          <h2 id="data">Began with</h2>
          <p>
            {visible(message.type)}, <a href={href(`/messages/${encodeURIComponent(message.id)}`)}>the message</a> and
            its <a href={href(`/messages/${encodeURIComponent(message.id)}/story`)}>story</a>
          </p>
          <LongText text={laidOut(message.json)} />
        </section>
        <section aria-labelledby="facts">
          <h2 id="facts">Facts</h2>
          <dl class="facts">
            <dt>Mediator</dt>
            <dd class="mono">
              {visible(mediator)}, version {version}
            </dd>
            {flow.parent !== null && (
              <>
                <dt>Step of</dt>
                <dd>
                  <a href={href(`/flows/${flow.parent.flow}`)}>flow #{flow.parent.flow}</a>
                </dd>
              </>
            )}
            {flow.rerunOf !== null && (
              <>
                <dt>Runs again</dt>
                <dd>
                  <a href={href(`/flows/${flow.rerunOf}`)}>flow #{flow.rerunOf}</a>
                </dd>
              </>
            )}
            {flow.continues !== null && (
              <>
                <dt>Continues</dt>
                <dd>
                  <a href={href(`/flows/${flow.continues}`)}>flow #{flow.continues}</a>
                </dd>
              </>
            )}
            {result !== undefined && (
              <>
                <dt>Result</dt>
                <dd>
                  <pre>{visible(JSON.stringify(result, null, 2) ?? '')}</pre>
                </dd>
              </>
            )}
          </dl>
        </section>
      </div>
    </>
  )
}

function Buttons({ flow }: { readonly flow: FlowItem }) {
  const doing = useSignal<Doing | undefined>(undefined)
  if (!may('run')) return <p class="muted">You may look, but not act on flows.</p>
  const { state, endedAt } = flow
  const open = (made: (flow: FlowItem) => Doing) => () => (doing.value = made(flow))
  return (
    <div>
      <div class="buttons">
        {endedAt === null && (state === 'paused' || state === 'stuck') && (
          <button type="button" class="main" onClick={open(resuming)}>
            Resume
          </button>
        )}
        {state === 'running' && (
          <button type="button" onClick={open(pausing)}>
            Pause
          </button>
        )}
        {(state === 'running' || state === 'paused' || state === 'queued') && (
          <button type="button" class="danger" onClick={open(cancelling)}>
            Cancel and undo…
          </button>
        )}
        {endedAt === null && (
          <button type="button" class="danger" onClick={open(stopping)}>
            Stop as it is…
          </button>
        )}
        {endedAt !== null && (
          <button type="button" class="main" onClick={open((it) => runningAgain(it))}>
            Run again
          </button>
        )}
      </div>
      {doing.value !== undefined && <Act doing={doing.value} close={() => (doing.value = undefined)} />}
    </div>
  )
}

function Steps({ flow }: { readonly flow: FlowItem }) {
  const doing = useSignal<Doing | undefined>(undefined)
  const { steps, startedAt, endedAt } = flow
  const end = endedAt ?? now.value
  return (
    <div class="scroll">
      <table class="steps">
        <Head
          of={[
            'Step',
            'State',
            ['When', 'late'],
            ['Took', 'number'],
            ['Result', 'late'],
            endedAt !== null && may('run') ? 'Again' : undefined,
          ]}
        />
        <tbody>
          {steps.map((step, at) => (
            <tr key={`${step.name} ${at}`}>
              <th scope="row">
                {step.undo && <span class="muted">undo of </span>}
                {visible(step.name)}
                <div class="muted">
                  {visible(stepText(step))}
                  {step.flow !== null && (
                    <>
                      {' '}
                      <a href={href(`/flows/${step.flow}`)}>#{step.flow}</a>
                    </>
                  )}
                </div>
              </th>
              <td>
                <Badge state={step.state} />
                {step.undone !== null && <div class="muted">{undoWords[step.undone]}</div>}
                {step.attempts > 1 && <div class="muted">{count(step.attempts, 'attempt')}</div>}
              </td>
              <td class="late">
                <Bar step={step} from={startedAt} to={end} />
                <span class="muted">{clock(step.beganAt)}</span>
              </td>
              <td class="number">{took((step.endedAt ?? end) - step.beganAt)}</td>
              <td class="late">
                <Ended step={step} />
              </td>
              {endedAt !== null && may('run') && (
                <td>
                  {!step.undo && (
                    <button type="button" class="small" onClick={() => (doing.value = runningAgain(flow, step.name))}>
                      From here
                    </button>
                  )}
                </td>
              )}
            </tr>
          ))}
        </tbody>
      </table>
      {doing.value !== undefined && <Act doing={doing.value} close={() => (doing.value = undefined)} />}
    </div>
  )
}

const undoWords: Readonly<Record<NonNullable<FlowStep['undone']>, string>> = {
  pending: 'is to be undone',
  running: 'is being undone',
  done: 'is undone',
  failed: 'could not be undone',
}

function Bar({ step, from, to }: { readonly step: FlowStep; readonly from: number; readonly to: number }) {
  const { x, width } = barOf(step, from, to)
  return (
    <svg class={`bar ${step.state}`} viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
      <rect x={x} y={1} width={width} height={6} />
    </svg>
  )
}

function Ended({ step: { outcome } }: { readonly step: FlowStep }) {
  // A step that has nothing to tell has null as its result.
  if (outcome === undefined || (outcome.ok && outcome.value == null)) return null
  const text = outcome.ok ? (JSON.stringify(outcome.value) ?? '') : outcome.message
  if (text.length <= 80) return <code>{visible(text)}</code>
  return (
    <details>
      <summary>
        <code>{visible(text.slice(0, 60))}…</code>
      </summary>
      <LongText text={text} />
    </details>
  )
}
