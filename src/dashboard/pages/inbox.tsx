// Questions of flows to people: each waits for one answer, which cannot be changed afterwards.
import type { Question } from '../../model/flow-views.ts'
import { useRead } from '../data.ts'
import { Head } from '../parts/head.tsx'
import { Empty, Full, Shown } from '../parts/states.tsx'
import { Ago, clock } from '../parts/when.tsx'
import { visible } from '../pure/words.ts'
import { href } from '../router.ts'

const questionsMax = 200

export function Inbox() {
  const questions = useRead({ path: '/api/questions', query: { limit: questionsMax } })
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
                <Head of={['Question', ['For', 'late'], 'Asked', 'Until']} />
                <tbody>
                  {items.map((question) => (
                    <Row key={question.id} question={question} />
                  ))}
                </tbody>
              </table>
              {items.length === questionsMax && <Full shown={items.length} />}
            </div>
          )
        }
      </Shown>
    </>
  )
}

function Row({ question: { id, title, mediator, context, to, escalated, askedAt, dueAt } }: { question: Question }) {
  return (
    <tr>
      <th scope="row">
        <a class="row" href={href(`/inbox/${id}`)}>
          {visible(title)}
        </a>
        <div class="muted">
          {visible(mediator)} {visible(context ?? '')}
        </div>
      </th>
      <td class="late">
        {visible(to ?? 'anyone')}
        {escalated && <div class="slow">passed on</div>}
      </td>
      <td>
        <Ago at={askedAt} />
      </td>
      <td>{dueAt === null ? '–' : clock(dueAt)}</td>
    </tr>
  )
}
