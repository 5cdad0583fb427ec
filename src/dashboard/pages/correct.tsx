// Corrected data in place of those of a message: written as JSON, compared with what is there, and sent with the revision
// that was seen, so that two people never overwrite each other.

import { type Signal, useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import type { DataChange } from '../../model/change.ts'
import { commandLine } from '../../model/command-line.ts'
import type { DeskItem } from '../../model/desk-views.ts'
import type { DeskCheck } from '../../operate/desk-edits.ts'
import { act, Problem } from '../client.ts'
import { useRead } from '../data.ts'
import { changed } from '../live.ts'
import { Command, Refusal } from '../parts/act.tsx'
import { Diff } from '../parts/diff.tsx'
import { Shown } from '../parts/states.tsx'
import { editable, jsonProblem } from '../pure/json.ts'
import { patchOf, patchText } from '../pure/patch.ts'
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
  const text = useSignal(editable(message.json))
  const reason = useSignal('')
  const waits = useSignal(false)
  const problem = useSignal<Problem | undefined>(undefined)
  const wrong = jsonProblem(text.value)
  const before = JSON.parse(message.json)
  // Compared as text: the digits of numbers that nobody has touched stay as they are stored.
  const patch = patchText(wrong === undefined ? patchOf(message.json, text.value) : [])
  const changes: readonly DataChange[] = JSON.parse(patch)
  const judged = useCheck(id, changes)
  const refused = judged.value?.error ?? null
  const overtaken = item.revision !== revision
  const send = async (event: Event) => {
    event.preventDefault()
    if (waits.value || wrong !== undefined || changes.length === 0) return
    waits.value = true
    problem.value = undefined
    try {
      await act('/api/desk/{id}/change', { id }, { change: changes, reason: reason.value.trim(), revision })
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
          <div id="json-says" role="status">
            {wrong !== undefined ? (
              <p class="error">
                Line {wrong.line}: {wrong.message}.
              </p>
            ) : refused === null ? (
              <p class="muted">
                {changes.length === 0 || judged.value === undefined
                  ? 'The server checks what you write.'
                  : 'The server would take it.'}
              </p>
            ) : (
              <Misfits check={judged.value!} />
            )}
          </div>
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
                `desk resubmit app.ts ${id} --change ${quoted(patch)} --reason ${quoted(reason.value || '…')}`,
              )}
            />
          )}
          {problem.value !== undefined && <Refusal problem={problem.value} />}
          <div class="buttons">
            <button
              type="submit"
              class="main"
              disabled={waits.value || wrong !== undefined || changes.length === 0 || refused !== null}
            >
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

const checkMs = 400

/** What the server says of the changes, a moment after they were written; undefined until it has said it. */
function useCheck(id: number, changes: readonly DataChange[]): Signal<DeskCheck | undefined> {
  const said = useSignal<DeskCheck | undefined>(undefined)
  const written = JSON.stringify(changes)
  useEffect(() => {
    said.value = undefined
    if (changes.length === 0) return
    let over = false
    const timer = setTimeout(async () => {
      // Where it cannot be asked, it judges when the changes are sent.
      const check = await act('/api/desk/{id}/check', { id }, { change: changes }).catch(() => undefined)
      if (!over) said.value = check
    }, checkMs)
    return () => {
      over = true
      clearTimeout(timer)
    }
  }, [id, written])
  return said
}

/** Why the server would not take it: by place, where its schema says the places. */
function Misfits({ check: { error, misfits } }: { readonly check: DeskCheck }) {
  return (
    <div class="error">
      <p>The server would not take it{misfits.length === 0 ? `: ${visible(error!.message)}` : ':'}</p>
      <ul>
        {misfits.map(({ pointer, detail }) => (
          <li key={pointer + detail}>
            <code>{visible(pointer === '' ? 'all of it' : pointer)}</code> {visible(detail)}
          </li>
        ))}
      </ul>
    </div>
  )
}
