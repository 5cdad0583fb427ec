import type { App, FlowDesk, Question } from 'millrace'
import { fulfilment } from './fulfilment.ts'

/** All that a person is asked now. */
export const questionsOf = (flows: Pick<FlowDesk, 'questions'>): Promise<Question[]> =>
  flows.questions({ mediator: fulfilment.name, limit: Number.MAX_SAFE_INTEGER })

/** Says yes to all that is asked now; gives whether there was anything to say yes to. */
export async function approve(flows: FlowDesk): Promise<boolean> {
  const yes = ({ flow, step }: Question) =>
    flows.answer(flow, step, true, { by: '--approve-all' }).then(() => true, settled)
  return (await Promise.all((await questionsOf(flows)).map(yes))).includes(true)
}

/** Says yes to all, also to what is asked only later, until everything is handled. */
export async function approveAll(shop: Pick<App, 'flows' | 'idle'>): Promise<void> {
  do await shop.idle()
  while (await approve(shop.flows))
}

const codes = ['millrace/flow-ended', 'millrace/flow-busy', 'millrace/not-asked']

/** Somebody was faster: has answered, has ended the flow, or has paused it to look at it first. */
function settled(error: { readonly code?: string }): false {
  if (codes.includes(error.code ?? '')) return false
  throw error
}
