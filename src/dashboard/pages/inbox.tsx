// Questions of flows to people: each waits for one answer, which cannot be changed afterwards.
import { type Signal, useSignal } from '@preact/signals'
import { commandLine } from '../../model/command-line.ts'
import type { Question } from '../../model/flow-views.ts'
import { act } from '../client.ts'
import { useRead } from '../data.ts'
import { Act, type Doing } from '../parts/act.tsx'
import { Empty, Full, Shown } from '../parts/states.tsx'
import { Ago, clock } from '../parts/when.tsx'
import { jsonProblem } from '../pure/json.ts'
import { quoted, visible } from '../pure/words.ts'
import { may } from '../session.ts'

const questionsMax = 200

export function Inbox() {
  const questions = useRead({ path: '/api/questions', query: { limit: questionsMax } })
  const doing = useSignal<Doing | undefined>(undefined)
  const chosen = useSignal<Chosen>('yes')
  const json = useSignal('')
  return (
    <>
      <header class="head">
        <div>
          <h1>Inbox</h1>
          <p class="lead">Flows that wait for the answer of a person.</p>
        </div>
      </header>
      <Shown of={questions} what="The questions">
        {({ items }) =>
          items.length === 0 ? (
            <Empty good>
              <p>
                <strong>Nobody is asked anything.</strong> A flow that needs a decision would ask here.
              </p>
            </Empty>
          ) : (
            <div class="scroll">
              <table>
                <thead>
                  <tr>
                    <th scope="col">Question</th>
                    <th scope="col" class="late">
                      For
                    </th>
                    <th scope="col">Asked</th>
                    <th scope="col">Answer</th>
                  </tr>
                </thead>
                <tbody>
                  {items.map((question) => (
                    <tr key={question.id}>
                      <th scope="row">
                        <strong>{visible(question.title)}</strong>
                        <div class="muted">
                          {visible(question.mediator)} {visible(question.context ?? '')}
                          {question.dueAt !== null && `, until ${clock(question.dueAt)}`}
                        </div>
                      </th>
                      <td class="late">{visible(question.to ?? 'anyone')}</td>
                      <td>
                        <Ago at={question.askedAt} />
                      </td>
                      <td>
                        {may('answer') && (
                          <button type="button" onClick={() => (doing.value = answering(question, chosen, json))}>
                            Answer…
                          </button>
                        )}
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
              {items.length === questionsMax && <Full shown={items.length} />}
            </div>
          )
        }
      </Shown>
      {doing.value !== undefined && <Act doing={doing.value} close={() => (doing.value = undefined)} />}
    </>
  )
}

type Chosen = 'yes' | 'no' | 'other'

function answering({ flow, step, title, mediator }: Question, chosen: Signal<Chosen>, json: Signal<string>): Doing {
  chosen.value = 'yes'
  json.value = ''
  const value = () => (chosen.value === 'other' ? JSON.parse(json.value) : chosen.value === 'yes')
  return {
    title,
    will: `The flow of ${mediator} goes on with your answer.`,
    wont: 'It cannot be changed afterwards. An answer that does not fit the question is refused, and nothing is done.',
    command: () => {
      const said = chosen.value === 'other' ? json.value || 'JSON' : String(chosen.value === 'yes')
      return commandLine(`flows answer app.ts ${flow} ${quoted(step)} ${quoted(said)}`)
    },
    verb: 'Answer',
    reason: 'may',
    fields: <Choice chosen={chosen} json={json} />,
    send: (reason) => act('/api/flows/{id}/answer', { id: flow }, { step, value: value(), reason }),
  }
}

const words: readonly (readonly [Chosen, string])[] = [
  ['yes', 'Yes'],
  ['no', 'No'],
  ['other', 'Something else, as JSON'],
]

function Choice({ chosen, json }: { readonly chosen: Signal<Chosen>; readonly json: Signal<string> }) {
  const wrong = json.value === '' ? undefined : jsonProblem(json.value)
  return (
    <>
      <fieldset>
        <legend>Your answer</legend>
        {words.map(([value, word]) => (
          <label key={value}>
            <input
              type="radio"
              name="answer"
              checked={chosen.value === value}
              onChange={() => (chosen.value = value)}
            />
            {word}
          </label>
        ))}
      </fieldset>
      {chosen.value === 'other' && (
        <>
          <textarea
            aria-label="The answer, as JSON"
            class="mono"
            rows={4}
            required
            value={json.value}
            onInput={(event) => (json.value = event.currentTarget.value)}
          />
          {wrong !== undefined && (
            <p class="error" role="status">
              Line {wrong.line}: {wrong.message}.
            </p>
          )}
        </>
      )}
    </>
  )
}
