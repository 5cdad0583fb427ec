// Corrected data in place of those of a message: written in a form or as JSON, which are two views of one text; compared with
// what is there, and sent with the revision that was seen, so that two people never overwrite each other.

import { useSignal } from '@preact/signals'
import { useMemo } from 'preact/hooks'
import type { DataChange } from '../../model/change.ts'
import { commandLine } from '../../model/command-line.ts'
import type { DeskItem } from '../../model/desk-views.ts'
import type { DeskForm } from '../../operate/desk-edits.ts'
import { act, type Problem, problemOf } from '../client.ts'
import { useRead } from '../data.ts'
import { changed } from '../live.ts'
import { Command, Refusal } from '../parts/act.tsx'
import { Misfits, useCheck } from '../parts/check.tsx'
import type { Draft } from '../parts/control.tsx'
import { DataEditor } from '../parts/data-editor.tsx'
import { Diff } from '../parts/diff.tsx'
import { useGroup } from '../parts/group-of.ts'
import { Icon } from '../parts/icon.tsx'
import { nameOf, select } from '../parts/many.ts'
import { Loading, Shown, Trouble } from '../parts/states.tsx'
import { TryIt } from '../parts/try.tsx'
import { formOf } from '../pure/form.ts'
import { editable, jsonProblem } from '../pure/json.ts'
import { inexactIn, patchOf, patchText } from '../pure/patch.ts'
import { addressOf } from '../pure/routes.ts'
import type { JsonSchema } from '../pure/schema.ts'
import { count, quoted, visible } from '../pure/words.ts'
import { go, href, query } from '../router.ts'

export function Correct({ id }: { readonly id: number }) {
  const item = useRead({ path: '/api/desk/{id}', params: { id } })
  const form = useRead({ path: '/api/desk/{id}/form', params: { id } })
  const { value, problem } = form.value
  return (
    <Shown of={item} what="This message">
      {(shown) =>
        value === undefined && problem === undefined ? (
          <Loading what="the form" />
        ) : (
          <Editor item={shown} form={value} why={value?.why ?? problem?.message ?? null} />
        )
      }
    </Shown>
  )
}

function Editor({
  item,
  form,
  why,
}: {
  readonly item: DeskItem
  readonly form: DeskForm | undefined
  readonly why: string | null
}) {
  // What was seen first: the text under work is never changed by news.
  const seen = useSignal(item)
  const { id, message, processor, waiting, revision, error } = seen.value
  const text = useSignal(editable(message.json))
  const reason = useSignal('')
  const waits = useSignal(false)
  const problem = useSignal<Problem | undefined>(undefined)
  const wrong = jsonProblem(text.value)
  const before = JSON.parse(message.json)
  // Compared as text: the digits of numbers that nobody has touched stay as they are stored.
  const different = wrong === undefined ? patchOf(message.json, text.value) : []
  const patch = patchText(different)
  const changes: readonly DataChange[] = JSON.parse(patch)
  const judged = useCheck(id, changes)
  const refused = judged.value?.error ?? null
  const overtaken = item.revision !== revision
  const schema = form?.schema ?? null
  const field = useMemo(() => (schema === null ? undefined : formOf(schema as JsonSchema)), [schema])
  const drafts = useSignal<ReadonlyMap<string, Draft>>(new Map())
  const named = Number(query.value.get('group') ?? 0)
  const { group: many, look } = useGroup(item, named)
  const inexact = inexactIn(different)
  const isOff =
    waits.value ||
    wrong !== undefined ||
    changes.length === 0 ||
    inexact.length > 0 ||
    [...drafts.value.values()].some((draft) => draft.wrong !== undefined)
  const tried = async (send: () => Promise<void>) => {
    waits.value = true
    problem.value = undefined
    try {
      await send()
      changed()
    } catch (error) {
      problem.value = problemOf(error)
      waits.value = false
    }
  }
  const send = (event: SubmitEvent) => {
    event.preventDefault()
    if (isOff) return
    const said = { change: changes, reason: reason.value.trim() }
    const toMany = (event.submitter as HTMLButtonElement | null)?.value === 'many'
    void tried(async () => {
      if (toMany) {
        const name = nameOf('correct', processor)
        await select({ action: 'resubmit', what: { group: many!.id }, name, prepare: true, oneFirst: true, ...said })
      } else {
        await act('/api/desk/{id}/change', { id }, { ...said, revision })
        go(`/desk/${id}`)
      }
    })
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
          {error !== null && (
            <p class="failing">
              <Icon name="failing" /> {visible(error.message)}
            </p>
          )}
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
          <DataEditor
            label="Data"
            field={field}
            why={why ?? 'the type has no schema'}
            text={text}
            to={(as) => addressOf(`/desk/${id}/correct`, { group: named || undefined, as })}
            secret={form?.secret ?? []}
            misfits={judged.value?.misfits ?? []}
            drafts={drafts}
          />
          <div id="json-says" role="status">
            {wrong !== undefined ? (
              <p class="error">
                Line {wrong.line}: {wrong.message}.
              </p>
            ) : inexact.length > 0 ? (
              <p class="error">
                The number at <code>{visible(inexact[0]!)}</code> has more digits than can be sent.
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
          <TryIt item={item} changes={changes} isOff={wrong !== undefined || inexact.length > 0} />
          <label class="label" for="why">
            Reason <span class="muted">(needed)</span>
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
          <Trouble of={look} what="The group of this message" />
          <div class="buttons">
            <button type="submit" class="main" disabled={isOff || refused !== null}>
              {changes.length === 0 ? 'Resubmit' : `Resubmit with ${count(changes.length, 'change')}`}
            </button>
            {many !== undefined && many.held > 1 && (
              <button type="submit" value="many" aria-describedby="many" disabled={isOff || refused !== null}>
                Do the same with all {many.held.toLocaleString('en')}…
              </button>
            )}
            <a class="button" href={href(`/desk/${id}`)}>
              Cancel
            </a>
          </div>
          {many !== undefined && many.held > 1 && (
            <p id="many" class="muted">
              All of the group get the same change. You see first what it makes of them, and run it then.
            </p>
          )}
        </div>
      </form>
    </>
  )
}
