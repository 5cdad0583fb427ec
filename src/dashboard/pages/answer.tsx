// One question of a flow: a person answers it in a form made of the schema of the answer, or as JSON. The schema of the
// server judges when the answer is sent.
//
//   open ──sent, and it fits──→ given
//     └──somebody else, or its time──→ gone: what was written stays in sight, and cannot be sent
import { type Signal, useSignal } from '@preact/signals'
import { useMemo, useRef } from 'preact/hooks'
import { commandLine } from '../../model/command-line.ts'
import type { Question } from '../../model/flow-views.ts'
import type { Misfit } from '../../model/misfits.ts'
import { act, type Problem, problemOf } from '../client.ts'
import { useRead } from '../data.ts'
import { changed } from '../live.ts'
import { Command, Refusal } from '../parts/act.tsx'
import type { Draft } from '../parts/control.tsx'
import { DataEditor } from '../parts/data-editor.tsx'
import { Empty, Failed, Loading, Shown } from '../parts/states.tsx'
import { clock, When } from '../parts/when.tsx'
import { blankOf, type Field, type Option } from '../pure/fields.ts'
import { formOf } from '../pure/form.ts'
import { editable, jsonProblem } from '../pure/json.ts'
import { addressOf } from '../pure/routes.ts'
import type { JsonSchema } from '../pure/schema.ts'
import { quoted, visible } from '../pure/words.ts'
import { href } from '../router.ts'
import { may } from '../session.ts'

export function Answer({ id }: { readonly id: number }) {
  const found = useRead({ path: '/api/questions', query: { after: id - 1, limit: 1 } })
  const seen = useRef<Question | undefined>(undefined)
  return (
    <Shown of={found} what="This question">
      {({ items: [first] }) => {
        const open = first?.id === id ? first : undefined
        seen.current = open ?? seen.current
        return seen.current === undefined ? <Closed /> : <Asked question={seen.current} isOpen={open !== undefined} />
      }}
    </Shown>
  )
}

function Closed() {
  return (
    <Empty>
      <p>
        <strong>This question is no longer open.</strong> It was answered, or its flow waits for it no longer. The{' '}
        <a href={href('/system/audit')}>audit log</a> has the answers of people.
      </p>
      <a href={href('/inbox')}>Go to the inbox</a>
    </Empty>
  )
}

/** The question, with its form once its shape is known. */
function Asked({ question, isOpen }: { readonly question: Question; readonly isOpen: boolean }) {
  const { flow, step, title, mediator, context, to, escalated, askedAt, dueAt } = question
  const form = useRead({ path: '/api/flows/{id}/form', params: { id: flow }, query: { step } })
  const given = useSignal(false)
  const { value, problem } = form.value
  const field = useMemo(() => (value?.schema == null ? undefined : formOf(value.schema as JsonSchema)), [value])
  return (
    <>
      <header class="head">
        <div>
          <p class="crumbs">
            <a href={href('/inbox')}>Inbox</a> / {visible(mediator)} {visible(context ?? '')}
          </p>
          <h1>{visible(title)}</h1>
          <p class="lead">
            Asked <When at={askedAt} />
            {to !== null && `, ${escalated ? 'passed on to' : 'for'} ${visible(to)}`}
            {dueAt !== null && `, until ${clock(dueAt)}`}. It waits in{' '}
            <a href={href(`/flows/${flow}`)}>
              flow #{flow} of {visible(mediator)}
            </a>
            .
          </p>
        </div>
      </header>
      {given.value ? (
        <Empty good>
          <p>
            <strong>Your answer is given.</strong> The <a href={href(`/flows/${flow}`)}>flow</a> goes on with it.
          </p>
          <a href={href('/inbox')}>Go to the inbox</a>
        </Empty>
      ) : !isOpen && value === undefined ? (
        <Closed />
      ) : !may('answer') ? (
        <p class="muted">You may look, but not answer.</p>
      ) : value === undefined && problem === undefined ? (
        <Loading what="the form" />
      ) : value === undefined ? (
        <Failed problem={problem!} what="The form" again={form.value.again} />
      ) : (
        <Editor
          question={question}
          isOpen={isOpen}
          field={field}
          why={value.why ?? 'its schema takes anything'}
          given={() => (given.value = true)}
        />
      )}
    </>
  )
}

interface Edited {
  readonly question: Question
  readonly isOpen: boolean
  readonly field: Field | undefined
  readonly why: string
  given(): void
}

function Editor({ question: { id, flow, step, mediator }, isOpen, field, why, given }: Edited) {
  const choices = choicesOf(field)
  // Of a choice nothing is chosen for a person.
  const text = useSignal(field === undefined || choices !== undefined ? '' : editable(blankOf(field)))
  const reason = useSignal('')
  const waits = useSignal(false)
  const problem = useSignal<{ readonly of: Problem; readonly text: string } | undefined>(undefined)
  const drafts = useSignal<ReadonlyMap<string, Draft>>(new Map())
  const wrong = text.value === '' ? undefined : jsonProblem(text.value)
  // What the server has said is about what was sent.
  const refused = problem.value?.text === text.value ? problem.value.of : undefined
  const isOff =
    !isOpen ||
    waits.value ||
    text.value === '' ||
    wrong !== undefined ||
    [...drafts.value.values()].some((draft) => draft.wrong !== undefined)
  const send = async (event: SubmitEvent) => {
    event.preventDefault()
    if (isOff) return
    const sent = text.value
    waits.value = true
    try {
      const value: unknown = JSON.parse(sent)
      await act('/api/flows/{id}/answer', { id: flow }, { step, value, reason: reason.value.trim() || undefined })
      given()
      changed()
    } catch (error) {
      problem.value = { of: problemOf(error), text: sent }
      waits.value = false
    }
  }
  return (
    <form class="two edit" onSubmit={send}>
      <div>
        {choices !== undefined ? (
          <Choices options={choices} text={text} />
        ) : (
          <DataEditor
            label="Your answer"
            field={field}
            why={why}
            text={text}
            to={(as) => addressOf(`/inbox/${id}`, { as })}
            secret={[]}
            misfits={(refused?.data['misfits'] as readonly Misfit[] | undefined) ?? []}
            drafts={drafts}
          />
        )}
        <div id="json-says" role="status">
          {wrong !== undefined && (
            <p class="error">
              Line {wrong.line}: {wrong.message}.
            </p>
          )}
        </div>
      </div>
      <div>
        <p>
          The flow of {visible(mediator)} goes on with your answer. It cannot be changed afterwards. An answer that does
          not fit is refused, and nothing is done.
        </p>
        <label class="label" for="why">
          Reason <span class="muted">(optional)</span>
        </label>
        <textarea
          id="why"
          rows={2}
          maxLength={2_000}
          value={reason.value}
          onInput={(event) => (reason.value = event.currentTarget.value)}
        />
        {text.value !== '' && wrong === undefined && (
          <Command text={commandOf({ flow, step, text: text.value, reason: reason.value.trim() })} />
        )}
        {refused !== undefined && <Refusal problem={refused} />}
        {!isOpen && (
          <div class="error" role="alert">
            <p>
              <strong>This question is no longer open.</strong> It was answered by somebody else, or its time is over.
            </p>
          </div>
        )}
        <div class="buttons">
          <button type="submit" class="main" disabled={isOff}>
            Answer
          </button>
          <a class="button" href={href('/inbox')}>
            Cancel
          </a>
        </div>
      </div>
    </form>
  )
}

interface Said {
  readonly flow: number
  readonly step: string
  readonly text: string
  readonly reason: string
}

function commandOf({ flow, step, text, reason }: Said): string {
  const because = reason === '' ? '' : ` --reason ${quoted(reason)}`
  return commandLine(
    `flows answer app.ts ${flow} ${quoted(step)} ${quoted(JSON.stringify(JSON.parse(text)))}${because}`,
  )
}

const choicesMax = 7
const yesOrNo: readonly Option[] = [
  { label: 'Yes', json: 'true' },
  { label: 'No', json: 'false' },
]

/** What is chosen from, where the whole answer is one of a few values. */
function choicesOf(field: Field | undefined): readonly Option[] | undefined {
  if (field === undefined || field.nullable) return undefined
  if (field.is === 'flag') return yesOrNo
  return field.is === 'choice' && field.options.length <= choicesMax ? field.options : undefined
}

function Choices({ options, text }: { readonly options: readonly Option[]; readonly text: Signal<string> }) {
  return (
    <fieldset>
      <legend>Your answer</legend>
      {options.map(({ label, json }) => (
        <label key={json}>
          <input
            type="radio"
            name="answer"
            required
            checked={text.value === json}
            onChange={() => (text.value = json)}
          />
          {visible(label)}
        </label>
      ))}
    </fieldset>
  )
}
