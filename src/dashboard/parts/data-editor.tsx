// Data under work: the form of their schema and JSON, which are two views of one text.
import type { Signal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { editText } from '../../model/json-edit.ts'
import type { Field } from '../pure/fields.ts'
import { editable, jsonProblem } from '../pure/json.ts'
import { visible } from '../pure/words.ts'
import { href, query } from '../router.ts'
import type { Sheet } from './control.tsx'
import { Form } from './form.tsx'

interface Edited extends Omit<Sheet, 'write'> {
  /** What the data are called. */
  readonly label: string
  /** Undefined where there is no form. */
  readonly field: Field | undefined
  /** The reason for which there is none. */
  readonly why: string
  readonly text: Signal<string>
  /** The address of the form, or of the JSON. */
  to(as?: 'json'): string
}

export function DataEditor({ label, field, why, text, to, ...sheet }: Edited) {
  const asJson = field === undefined || query.value.get('as') === 'json'
  const { drafts } = sheet
  useEffect(() => {
    drafts.value = new Map()
  }, [asJson])
  const current = (is: boolean) => (is ? 'true' : undefined)
  return (
    <>
      {field === undefined ? (
        <p class="muted">There is no form: {visible(why)}. Edit it as JSON.</p>
      ) : (
        <div class="chips">
          <a href={href(to())} aria-current={current(!asJson)}>
            Form
          </a>
          <a href={href(to('json'))} aria-current={current(asJson)}>
            JSON
          </a>
        </div>
      )}
      {asJson ? (
        <Json label={label} text={text} />
      ) : jsonProblem(text.value) !== undefined ? (
        <p>The form comes back when the text is JSON again.</p>
      ) : (
        <Form
          label={label}
          field={field}
          text={text.value.trim()}
          sheet={{ ...sheet, write: (change) => (text.value = editable(editText(text.value, change))) }}
        />
      )}
    </>
  )
}

function Json({ label, text }: { readonly label: string; readonly text: Signal<string> }) {
  return (
    <>
      <label class="label" for="json">
        {label}, as JSON
      </label>
      <textarea
        id="json"
        class="json"
        spellcheck={false}
        rows={Math.min(40, text.value.split('\n').length + 2)}
        aria-invalid={text.value !== '' && jsonProblem(text.value) !== undefined}
        aria-describedby="json-says"
        value={text.value}
        onInput={(event) => (text.value = event.currentTarget.value)}
      />
    </>
  )
}
