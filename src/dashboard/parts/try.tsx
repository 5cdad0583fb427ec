// A trial of a held message: its processor runs it, and everything is taken back. What it would have done, in plain words.
import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import type { DataChange } from '../../model/change.ts'
import { commandLine } from '../../model/command-line.ts'
import type { DeskTrial } from '../../model/desk-trials.ts'
import type { DeskItem } from '../../model/desk-views.ts'
import { act, type Problem, problemOf } from '../client.ts'
import { changed } from '../live.ts'
import { laidOut } from '../pure/json.ts'
import { trialText } from '../pure/trial.ts'
import { count, quoted, took, visible } from '../pure/words.ts'
import { may } from '../session.ts'
import { Command, Refusal } from './act.tsx'
import { Icon } from './icon.tsx'
import { LongText, Stack } from './long-text.tsx'
import { clock } from './when.tsx'

interface TryProps {
  readonly item: Pick<DeskItem, 'id' | 'processor' | 'state' | 'trial' | 'waiting'>
  readonly changes: readonly DataChange[]
  readonly isOff?: boolean
}

export function TryIt({ item, changes, isOff = false }: TryProps) {
  const { id, processor, state, trial: mayBeTried } = item
  const told = useSignal<DeskTrial | undefined>(undefined)
  const problem = useSignal<Problem | undefined>(undefined)
  const waits = useSignal(false)
  const written = JSON.stringify(changes)
  useEffect(() => {
    told.value = undefined
    problem.value = undefined
  }, [id, written])
  if (state !== 'held' || !may('repair')) return null
  if (mayBeTried !== true) {
    return (
      <p class="muted">
        It cannot be tried: {visible(processor)} does not say <code>trial: true</code>. Its developers may say it where
        its handlers only read outside <code>commit</code>.
      </p>
    )
  }
  const run = async () => {
    waits.value = true
    problem.value = undefined
    try {
      told.value = await act('/api/desk/{id}/try', { id }, changes.length === 0 ? {} : { change: changes })
      changed()
    } catch (error) {
      told.value = undefined
      problem.value = problemOf(error)
    }
    waits.value = false
  }
  const edit = changes.length === 0 ? '' : ` --change ${quoted(written)}`
  return (
    <section aria-labelledby="try">
      <h2 id="try">Try it</h2>
      <p class="muted">
        {visible(processor)} runs it now {changes.length === 0 ? 'as it is' : `with ${count(changes.length, 'change')}`}
        , and everything is taken back. Nothing is kept or sent.
      </p>
      <div class="buttons">
        <button type="button" data-key="t" onClick={run} disabled={isOff || waits.value}>
          Try it
        </button>
      </div>
      <Command text={commandLine(`desk try app.ts ${id}${edit}`)} />
      <div role="status">{told.value !== undefined && <Answer trial={told.value} waiting={item.waiting} />}</div>
      {problem.value !== undefined && <Refusal problem={problem.value} />}
    </section>
  )
}

function Answer({ trial, waiting }: { readonly trial: DeskTrial; readonly waiting: number }) {
  const { outcome, error, reply, messages, cancelled, statements, counts, tookMs } = trial
  const { title, text } = trialText(trial, waiting)
  return (
    <div class={`state ${outcome === 'handled' ? 'good' : 'failing'}`}>
      <Icon name={outcome === 'handled' ? 'ok' : 'failing'} />
      <div>
        <p>
          <strong>{visible(title)}</strong>
        </p>
        <p>{visible(text)}</p>
        {messages.map(({ kind, type, context, due, data }, at) => (
          <details key={at}>
            <summary>
              Would {kind === 'event' ? 'publish' : 'send'} {visible(type)} {visible(context ?? '')}
              {due !== null && ` at ${clock(due)}`}
            </summary>
            <LongText text={laidOut(JSON.stringify(data))} />
          </details>
        ))}
        {cancelled.map(({ type, id }) => (
          <p key={type + id}>
            Would take back {visible(type)} {visible(id)}.
          </p>
        ))}
        {reply !== null && (
          <details>
            <summary>Would reply</summary>
            <LongText text={laidOut(JSON.stringify(reply))} />
          </details>
        )}
        {statements.length > 0 && (
          <details>
            <summary>{count(counts.statements, 'statement')}</summary>
            <ol>
              {statements.map(({ text: said, values, rows, changed: wrote, error: failed }, at) => (
                <li key={at}>
                  <code>{visible(said)}</code>
                  {values.length > 0 && (
                    <div>
                      with <code>{visible(JSON.stringify(values))}</code>
                    </div>
                  )}
                  <div class="muted">
                    {failed === null
                      ? `${count(rows, 'row')} read, ${wrote.toLocaleString('en')} changed`
                      : visible(failed)}
                  </div>
                </li>
              ))}
            </ol>
          </details>
        )}
        {error !== null && <Stack of={error} />}
        <p class="muted">Everything was taken back. It took {took(tookMs)}.</p>
      </div>
    </div>
  )
}
