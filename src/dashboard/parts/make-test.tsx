// A message as a test file for its developers, to be saved.
import { useSignal } from '@preact/signals'
import { commandLine } from '../../model/command-line.ts'
import type { DeskItem } from '../../model/desk-views.ts'
import { act, type Problem, problemOf } from '../client.ts'
import { may } from '../session.ts'
import { Command, Refusal } from './act.tsx'

export function MakeTest({ item: { id, error } }: { readonly item: Pick<DeskItem, 'id' | 'error'> }) {
  const problem = useSignal<Problem | undefined>(undefined)
  const said = useSignal('')
  if (error === null || !may('repair')) return null
  const make = async () => {
    problem.value = undefined
    said.value = ''
    try {
      const { name, text, answers } = await act('/api/desk/{id}/test', { id }, {})
      save(name, text)
      said.value = answers
        ? `${name} has the data, and what the database answered.`
        : `${name} has the data. The database was not asked: the message cannot be tried.`
    } catch (error) {
      problem.value = problemOf(error)
    }
  }
  return (
    <section aria-labelledby="as-test">
      <h2 id="as-test">For developers</h2>
      <p class="muted">
        A test that fails as this message did, and passes once it is handled. Secret fields are masked in it.
      </p>
      <div class="buttons">
        <button type="button" onClick={make}>
          Make a test of it
        </button>
      </div>
      <Command text={commandLine(`desk test app.ts ${id} --to test/`)} />
      <p role="status">{said.value}</p>
      {problem.value !== undefined && <Refusal problem={problem.value} />}
    </section>
  )
}

function save(name: string, text: string): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(new Blob([text], { type: 'text/plain' }))
  link.download = name
  link.click()
  URL.revokeObjectURL(link.href)
}
