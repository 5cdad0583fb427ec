// Corrected data in place of those of a message: written as JSON, compared with what is there, and sent with the revision
// that was seen, so that two people never overwrite each other.

import { useSignal } from '@preact/signals'
import { commandLine } from '../../model/command-line.ts'
import type { DeskItem } from '../../model/desk-views.ts'
import { act, Problem } from '../client.ts'
import { useRead } from '../data.ts'
import { changed } from '../live.ts'
import { Command, Refusal } from '../parts/act.tsx'
import { Diff } from '../parts/diff.tsx'
import { Shown } from '../parts/states.tsx'
import { changesOf } from '../pure/diff.ts'
import { jsonProblem, laidOut } from '../pure/json.ts'
import { count, quoted, visible } from '../pure/words.ts'
import { go, href } from '../router.ts'

export function Correct({ id }: { readonly id: number }) {
  const item = useRead({ path: '/api/desk/{id}', params: { id } })
  return (
    <Shown of={item} what="This message">
      {(shown) => <Editor item={shown} />}
    </Shown>
  )
}

function Editor({ item }: { readonly item: DeskItem }) {
  // What was seen first: the text under work is never changed by news.
  const seen = useSignal(item)
  const { id, message, processor, waiting, revision } = seen.value
  const text = useSignal(laidOut(message.json))
  const reason = useSignal('')
  const waits = useSignal(false)
  const problem = useSignal<Problem | undefined>(undefined)
  const wrong = jsonProblem(text.value)
  const before = JSON.parse(message.json)
  const changes = wrong === undefined ? changesOf(before, JSON.parse(text.value)) : []
  const overtaken = item.revision !== revision
  const send = async (event: Event) => {
    event.preventDefault()
    if (waits.value || wrong !== undefined || changes.length === 0) return
    waits.value = true
    problem.value = undefined
    try {
      await act(
        '/api/desk/{id}/resubmit',
        { id },
        { data: JSON.parse(text.value), reason: reason.value.trim(), revision },
      )
      changed()
      go(`/desk/${id}`)
    } catch (error) {
      problem.value = error instanceof Problem ? error : new Problem(500, { detail: String(error) })
      waits.value = false
    }
  }
  return (
    <>
      <header class="head">
        <div>
          <p class="crumbs">
            <a href={href('/desk')}>Desk</a> / <a href={href(`/desk/${id}`)}>#{id}</a> / correct
          </p>
          <h1>
            Correct {visible(message.type)} {visible(message.context ?? '')}
          </h1>
          <p class="lead">
            The corrected data go to {visible(processor)} in place of these. It stays the same message, in the same
            place in line{waiting > 0 && `; ${count(waiting, 'message')} behind it follow in order`}. Others keep what
            was published.
          </p>
        </div>
      </header>
      {overtaken && (
        <div class="state" role="alert">
          <div>
            <p>
              <strong>Somebody has acted on this message since you opened it.</strong> Your text is kept, but can no
              longer be sent on what you saw.
            </p>
            <button
              type="button"
              onClick={() => {
                seen.value = item
              }}
            >
              Compare with the message as it is now
            </button>
          </div>
        </div>
      )}
      <form class="two edit" onSubmit={send}>
        <div>
          <label class="label" for="json">
            Data, as JSON
          </label>
          <textarea
            id="json"
            class="json"
            spellcheck={false}
            rows={Math.min(40, text.value.split('\n').length + 2)}
            aria-invalid={wrong !== undefined}
            aria-describedby="json-says"
            value={text.value}
            onInput={(event) => (text.value = event.currentTarget.value)}
          />
          <p id="json-says" class={wrong === undefined ? 'muted' : 'error'} role="status">
            {wrong === undefined
              ? 'The server checks it against the schema before anything is done.'
              : `Line ${wrong.line}: ${wrong.message}.`}
          </p>
        </div>
        <div>
          <section aria-labelledby="changes">
            <h2 id="changes">{changes.length === 0 ? 'Nothing is changed yet' : count(changes.length, 'change')}</h2>
            <Diff before={before} changes={changes} />
          </section>
          <label class="label" for="why">
            Reason
          </label>
          <textarea
            id="why"
            rows={2}
            required
            maxLength={2_000}
            value={reason.value}
            onInput={(event) => (reason.value = event.currentTarget.value)}
          />
          {changes.length > 0 && (
            <Command
              text={commandLine(
                `desk resubmit app.ts ${id} --data ${quoted(JSON.stringify(JSON.parse(text.value)))} --reason ${quoted(reason.value || '…')}`,
              )}
            />
          )}
          {problem.value !== undefined && <Refusal problem={problem.value} />}
          <div class="buttons">
            <button type="submit" class="main" disabled={waits.value || wrong !== undefined || changes.length === 0}>
              {changes.length === 0 ? 'Resubmit' : `Resubmit with ${count(changes.length, 'change')}`}
            </button>
            <a class="button" href={href(`/desk/${id}`)}>
              Cancel
            </a>
          </div>
        </div>
      </form>
    </>
  )
}
