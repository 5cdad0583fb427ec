// Operations on many messages: each has an address, progress and an end, and outlives the tab that began it.

import { useSignal } from '@preact/signals'
import { commandLine } from '../../model/command-line.ts'
import type { Operation } from '../../model/desk-views.ts'
import { act } from '../client.ts'
import { useRead } from '../data.ts'
import { Act, type Doing } from '../parts/act.tsx'
import { Badge } from '../parts/badge.tsx'
import { Head } from '../parts/head.tsx'
import { PaceFields, paceOf, usePace } from '../parts/pace.tsx'
import { PreviewOf } from '../parts/preview.tsx'
import { Empty, Full, Gone, Shown, Trouble } from '../parts/states.tsx'
import { Ago, When } from '../parts/when.tsx'
import { count, visible } from '../pure/words.ts'
import { href } from '../router.ts'
import { may } from '../session.ts'

const operationsMax = 200

export function Operations() {
  const operations = useRead({ path: '/api/desk/operations', query: { limit: operationsMax } })
  return (
    <>
      <header class="head">
        <div>
          <h1>Operations</h1>
          <p class="lead">What was done to many messages at once, and what is under way.</p>
        </div>
      </header>
      <Shown of={operations} what="The operations">
        {({ items }) =>
          items.length === 0 ? (
            <Empty>
              <p>There has been none. A group at the desk has buttons for all of its messages.</p>
              <a href={href('/desk')}>To the desk</a>
            </Empty>
          ) : (
            <div class="scroll">
              <table>
                <Head of={['Name', 'State', ['Done', 'number'], ['By', 'late'], 'Begun']} />
                <tbody>
                  {[...items].reverse().map(({ id, name, state, done, total, by, startedAt }) => (
                    <tr key={id}>
                      <th scope="row">
                        <a class="row" href={href(`/desk/operations/${id}`)}>
                          {visible(name)}
                        </a>
                      </th>
                      <td>
                        <Badge state={state} />
                      </td>
                      <td class="number">
                        {done.toLocaleString('en')} of {total.toLocaleString('en')}
                      </td>
                      <td class="late">{visible(by)}</td>
                      <td>
                        <Ago at={startedAt} />
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
              {items.length === operationsMax && <Full shown={items.length} />}
            </div>
          )
        }
      </Shown>
    </>
  )
}

export function OperationPage({ id }: { readonly id: number }) {
  const operations = useRead({ path: '/api/desk/operations', query: { after: id - 1, limit: 1 } })
  return (
    <Shown of={operations} what="This operation">
      {({ items: [operation] }) =>
        operation?.id === id ? <OneOperation operation={operation} /> : <Gone what="This operation" />
      }
    </Shown>
  )
}

const verbs = { release: 'Releases', resubmit: 'Corrects and releases', discard: 'Discards' } as const

function OneOperation({ operation }: { readonly operation: Operation }) {
  const { id, name, action, by, reason, state, total, lanes, startedAt, oneFirst } = operation
  return (
    <>
      <header class="head">
        <div>
          <p class="crumbs">
            <a href={href('/desk/operations')}>Operations</a> / {id}
          </p>
          <h1>{visible(name)}</h1>
          <p>
            <Badge state={state} /> {verbs[action]} {count(total, 'message')} in {count(lanes, 'line')}. Begun by{' '}
            {visible(by)}, <When at={startedAt} />
          </p>
          {reason !== null && <p class="muted">{visible(reason)}</p>}
          {oneFirst && state === 'trying' && <p>One is tried first. The others follow when it was handled.</p>}
        </div>
        {may('repair-many') && <Buttons operation={operation} />}
      </header>
      {state === 'prepared' && (
        <p>
          Nothing is done yet: run it, or abort it.
          {oneFirst && ' One is tried first; the others follow when it was handled.'}
        </p>
      )}
      {state === 'prepared' && action === 'resubmit' && may('see-data') && <PreviewOf operation={id} total={total} />}
      {state !== 'prepared' && <Progress operation={operation} />}
    </>
  )
}

function Progress({ operation: { id, total, done, refused, failures } }: { readonly operation: Operation }) {
  const outcome = useRead({ path: '/api/desk/operations/{operation}/outcome', params: { operation: id } })
  const problems = useRead({
    path: '/api/desk/operations/{operation}/refused',
    params: { operation: id },
    when: may('see-data') && refused > 0,
  })
  return (
    <>
      <section aria-labelledby="progress">
        <h2 id="progress">
          {done.toLocaleString('en')} of {total.toLocaleString('en')} done
        </h2>
        <progress aria-labelledby="progress" max={total} value={done} />
        {failures > 0 && <p class="failing">{count(failures, 'failure')}</p>}
      </section>
      <section aria-labelledby="outcome">
        <h2 id="outcome">What became of them</h2>
        <Shown of={outcome} what="The outcome">
          {({ handled, trying, held, discarded }) => (
            <dl class="numbers">
              {Object.entries({
                handled,
                'being tried': trying,
                'held again': held,
                discarded,
                'not possible': refused,
              }).map(([word, number]) => (
                <div key={word}>
                  <dt>{word}</dt>
                  <dd>{number.toLocaleString('en')}</dd>
                </div>
              ))}
            </dl>
          )}
        </Shown>
      </section>
      {refused > 0 && (
        <section aria-labelledby="refused">
          <h2 id="refused">Not possible</h2>
          <Trouble of={problems} what="The reasons" />
          <ul>
            {problems.value.value?.map(({ item, why }) => (
              <li key={item}>
                <a href={href(`/desk/${item}`)}>#{item}</a>: {visible(why)}
              </li>
            ))}
          </ul>
        </section>
      )}
    </>
  )
}

function Buttons({ operation: { id, name, state } }: { readonly operation: Operation }) {
  const pace = usePace()
  const doing = useSignal<Doing | undefined>(undefined)
  const running: Doing = {
    title: 'Run this operation?',
    will: 'It acts on what is left of its messages.',
    command: commandLine(`desk run app.ts ${id}`),
    verb: 'Run',
    reason: 'may',
    fields: <PaceFields pace={pace} />,
    send: (reason) => act('/api/desk/operations/{operation}/run', { operation: id }, { reason, ...paceOf(pace) }),
  }
  const aborting: Doing = {
    title: `Abort "${name}"?`,
    will: 'It acts on no more messages.',
    wont: 'What it has done stays done.',
    command: commandLine(`desk abort app.ts ${id}`),
    verb: 'Abort',
    danger: true,
    reason: 'may',
    send: (reason) => act('/api/desk/operations/{operation}/abort', { operation: id }, { reason }),
  }
  const isOpen = state === 'prepared' || state === 'running' || state === 'trying' || state === 'stopped'
  return (
    <div class="buttons">
      {(state === 'prepared' || state === 'stopped') && (
        <button type="button" class="main" onClick={() => (doing.value = running)}>
          Run
        </button>
      )}
      {isOpen && (
        <button type="button" class="danger" onClick={() => (doing.value = aborting)}>
          Abort…
        </button>
      )}
      {doing.value !== undefined && <Act doing={doing.value} close={() => (doing.value = undefined)} />}
    </div>
  )
}
