// A flow that does not fit the code of today: the last steps that both have, then the step of its journal beside the one of
// the code.
import type { FlowItem } from '../../operate/flows.ts'
import { visible } from '../pure/words.ts'
import { Head } from './head.tsx'

interface Differs {
  readonly journal: string
  readonly code: string
  readonly after: readonly string[]
}

/** What differs; undefined where the error is another one, or says no steps. */
function differsIn(error: FlowItem['error']): Differs | undefined {
  if (error?.code !== 'millrace/flow-mismatch') return undefined
  const { journal, code, after } = (error.data ?? {}) as Partial<Differs>
  return typeof journal === 'string' && typeof code === 'string' ? { journal, code, after: after ?? [] } : undefined
}

export function Misfit({ error }: Pick<FlowItem, 'error'>) {
  const differs = differsIn(error)
  if (differs === undefined) return null
  const { journal, code, after } = differs
  return (
    <section aria-labelledby="misfit">
      <h2 id="misfit">What does not fit the code of today</h2>
      <div class="scroll">
        <table>
          <Head of={['Step', 'It did', 'The code of today']} />
          <tbody>
            {after.map((step, at) => (
              <tr key={`${at} ${step}`}>
                <th scope="row" class="muted">
                  the same
                </th>
                <td class="mono">{visible(step)}</td>
                <td class="mono">{visible(step)}</td>
              </tr>
            ))}
            <tr>
              <th scope="row" class="failing">
                differs
              </th>
              <td class="mono diff">
                <del>{visible(journal)}</del>
              </td>
              <td class="mono diff">
                <ins>{visible(code)}</ins>
              </td>
            </tr>
          </tbody>
        </table>
      </div>
      <p class="muted">
        For developers: keep the old code in the versions of the mediator, or let the new code ask flow.version. Then
        resume the flow, or stop it.
      </p>
    </section>
  )
}
