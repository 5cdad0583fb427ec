// What a message that is not handled holds up: who waits for its answer, what waits behind it, and the flows of its context.
import type { DeskItem } from '../../model/desk-views.ts'
import type { FlowState } from '../../model/flow.ts'
import { useRead } from '../data.ts'
import { flowOf } from '../pure/holds-up.ts'
import { count, visible } from '../pure/words.ts'
import { href } from '../router.ts'
import { may } from '../session.ts'
import { Trouble } from './states.tsx'

const flowsShown = 5
const underWay: readonly FlowState[] = ['queued', 'running', 'compensating', 'stuck', 'paused']

export function HoldsUp({ item }: { readonly item: DeskItem }) {
  const { message, waiting, line, resolvedAt } = item
  const { context } = message
  const flow = flowOf(message.id)
  const open = resolvedAt === null
  const flows = useRead({
    path: '/api/flows',
    query: { context: context ?? '', states: underWay, limit: flowsShown },
    when: open && context !== null && may('see-data'),
  })
  if (!open) return null
  const asked = [message, ...line.map((row) => row.message)].filter((one) => one.asked === 'app').length
  const others = (flows.value.value?.items ?? []).filter(({ id }) => id !== flow)
  const trouble = <Trouble of={flows} what="The flows of its context" />
  if (waiting === 0 && asked === 0 && flow === undefined && others.length === 0) return trouble
  return (
    <section aria-labelledby="holds-up">
      <h2 id="holds-up">What this holds up</h2>
      <ul>
        {waiting > 0 && <li>{count(waiting, 'message')} in line behind it</li>}
        {asked > 0 && (
          <li>
            {count(asked, 'caller')} that {asked === 1 ? 'waits' : 'wait'} for an answer
          </li>
        )}
        {flow !== undefined && (
          <li>
            <a href={href(`/flows/${flow}`)}>Flow {flow}</a>, which has sent it and waits for its end
          </li>
        )}
        {others.map(({ id, mediator, held }) => (
          <li key={id}>
            <a href={href(`/flows/${id}`)}>
              Flow {id} of {visible(mediator)}
            </a>
            , of the same context{typeof held === 'number' && held !== item.id ? `, which waits for #${held}` : ''}
          </li>
        ))}
      </ul>
      {trouble}
    </section>
  )
}
