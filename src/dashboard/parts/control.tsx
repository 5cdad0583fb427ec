// The control of one value of a form. It shows the text of the value, so numbers keep their digits. What is typed and is no
// value yet is a draft.
import type { Signal } from '@preact/signals'
import type { TextChange } from '../../model/json-edit.ts'
import type { Misfit } from '../../model/misfits.ts'
import type { Field } from '../pure/fields.ts'
import { editable, jsonProblem } from '../pure/json.ts'
import { isNumber } from '../pure/view.ts'
import { visible } from '../pure/words.ts'

export interface Draft {
  readonly text: string
  /** Why it is no value yet; undefined where it is one. */
  readonly wrong: string | undefined
}

/** What the fields of a form share. */
export interface Sheet {
  /** The secret fields, as JSON Pointers. */
  readonly secret: readonly string[]
  readonly misfits: readonly Misfit[]
  /** By JSON Pointer. Nothing is sent while one is wrong. */
  readonly drafts: Signal<ReadonlyMap<string, Draft>>
  write(change: TextChange): void
}

/** Forgets the drafts that a test of their paths names. */
export function forget({ drafts }: Pick<Sheet, 'drafts'>, isOld: (path: string) => boolean): void {
  drafts.value = new Map([...drafts.value].filter(([path]) => !isOld(path)))
}

interface Shown {
  readonly field: Field
  /** The value, as JSON. */
  readonly text: string
  readonly path: string
  readonly sheet: Sheet
  readonly id: string
  readonly invalid: boolean
  /** The element that says what is wrong with it. */
  readonly by: string
}

export function Control({ field, text, path, sheet, id, invalid, by }: Shown) {
  const named = { id, 'aria-invalid': invalid, 'aria-describedby': by }
  const put = (value: string) => sheet.write({ op: 'replace', path, text: value })
  const draft = sheet.drafts.value.get(path)?.text
  const drafted = (typed: string, wrong: string | undefined) => {
    sheet.drafts.value = new Map(sheet.drafts.value).set(path, { text: typed, wrong })
    if (wrong === undefined) put(typed)
  }
  // What became a value is shown as it stands in the data.
  const left = () => {
    if (sheet.drafts.value.get(path)?.wrong === undefined) forget(sheet, (at) => at === path)
  }
  switch (field.is) {
    case 'text': {
      const value: string = JSON.parse(text)
      const typed = (event: { readonly currentTarget: { readonly value: string } }) =>
        put(JSON.stringify(event.currentTarget.value))
      if (field.input === 'long' || value.includes('\n') || value.length > lineMax)
        return <textarea {...named} rows={4} value={value} onInput={typed} />
      const inputMode = field.input === 'email' || field.input === 'url' ? field.input : 'text'
      return <input {...named} type="text" autocomplete="off" inputMode={inputMode} value={value} onInput={typed} />
    }
    case 'number':
      return (
        <input
          {...named}
          type="text"
          autocomplete="off"
          // The keyboard of figures of some phones has no minus.
          inputMode={field.least !== undefined && field.least >= 0 ? (field.whole ? 'numeric' : 'decimal') : 'text'}
          value={draft ?? text}
          onInput={({ currentTarget: { value } }) =>
            drafted(value.trim(), isNumber(value.trim()) ? undefined : 'This is no number yet.')
          }
          onBlur={left}
        />
      )
    case 'flag':
    case 'choice': {
      const options =
        field.is === 'choice'
          ? field.options
          : [
              { label: 'Yes', json: 'true' },
              { label: 'No', json: 'false' },
            ]
      const now = JSON.stringify(JSON.parse(text))
      return (
        <select {...named} value={now} onChange={(event) => put(event.currentTarget.value)}>
          {!options.some(({ json }) => json === now) && <option value={now}>{visible(now.slice(0, lineMax))}</option>}
          {options.map(({ label, json }) => (
            <option key={json} value={json}>
              {visible(label)}
            </option>
          ))}
        </select>
      )
    }
    default:
      return (
        <textarea
          {...named}
          class="mono"
          spellcheck={false}
          rows={4}
          value={draft ?? editable(text)}
          onInput={({ currentTarget: { value } }) => {
            const problem = jsonProblem(value)
            drafted(value, problem && `Line ${problem.line}: ${problem.message}.`)
          }}
          onBlur={left}
        />
      )
  }
}

const lineMax = 200

/** A line about what a field takes; undefined where there is nothing to say. */
export function hintOf(field: Field): string | undefined {
  if (field.is === 'text') return hints[field.input]
  if (field.is !== 'number') return undefined
  const [least, most] = [field.least, field.most].map((bound) =>
    bound === undefined || Math.abs(bound) > boundMax ? undefined : bound,
  )
  if (least === undefined) return most === undefined ? undefined : `At most ${most}.`
  return most === undefined ? `At least ${least}.` : `From ${least} to ${most}.`
}

/** Bounds beyond it are those of a kind of number. */
const boundMax = 1_000_000_000

const hints: Readonly<Record<string, string>> = {
  date: 'Written as 2026-11-29.',
  time: 'Written as 09:30:00.',
  moment: 'Written as 2026-11-29T09:30:00Z.',
}
