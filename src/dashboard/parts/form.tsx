// The form of a message, made from its schema. It edits the text of the data: each field writes one change into it, so that
// the form and the JSON are two views of one text. What is typed and is no value yet is a draft; nothing is sent while there
// is one.
import { useSignal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { useId, useRef } from 'preact/hooks'
import type { TextChange } from '../../model/json-edit.ts'
import { blankOf, type Field } from '../pure/fields.ts'
import { elementsOf, entriesOf, isSecret, under, viewOf } from '../pure/view.ts'
import { visible } from '../pure/words.ts'
import { Control, forget, hintOf, type Sheet } from './control.tsx'

interface Place {
  readonly field: Field
  readonly label: string
  /** As a JSON Pointer. */
  readonly path: string
  readonly depth: number
  readonly sheet: Sheet
}

interface FormProps {
  /** What the data are called. */
  readonly label: string
  readonly field: Field
  readonly text: string
  readonly sheet: Sheet
}

export function Form({ label, field, text, sheet }: FormProps) {
  const shown = viewOf(field, text, 0)
  const place: Place = { field: shown, label, path: '', depth: 0, sheet }
  if (shown.is === 'object') return <Inside {...place} text={text} />
  return <Entry {...place} field={field} text={text} />
}

/** One field: its value, or that there is none. */
function Entry({
  text,
  remove,
  ...place
}: Place & { readonly text: string | undefined; readonly remove?: (() => void) | undefined }) {
  const { field, label, path, depth, sheet } = place
  const id = useId()
  const box = useRef<HTMLDivElement>(null)
  const put = (change: TextChange) => {
    forget(sheet, (at) => at === path || isUnder(at, path))
    change.op === 'remove' && remove !== undefined ? remove() : sheet.write(change)
    // What was pressed is gone: the keyboard goes on with what came in its place.
    setTimeout(() => {
      const inside = (selector: string) => box.current?.querySelector<HTMLElement>(selector)
      const next = inside('input, select, textarea') ?? inside('button')
      next?.focus()
    })
  }
  const filled = { ...field, nullable: false, preset: field.preset === 'null' ? undefined : field.preset }
  const hidden = isSecret(path, sheet.secret)
  const isNull = text === 'null' && !takesNull(field)
  const view = text === undefined || isNull || hidden ? undefined : viewOf(field, text, depth)
  // Those of several shapes are told by the shape that the value has.
  const wrong = sheet.misfits.filter(({ pointer }) =>
    pointer === path ? view?.is !== 'variants' : !isOpen(view) && isUnder(pointer, path),
  )
  const why = view?.is === 'json' ? `Shown as JSON: ${view.why}.` : undefined
  const notes = [field.help, view && hintOf(view), why].filter((note) => note !== undefined)
  const errors = [...wrong.map(({ detail }) => detail), sheet.drafts.value.get(path)?.wrong].filter(
    (error) => error !== undefined,
  )
  const says = `${id}-says`
  const acts = (
    <>
      {text === undefined && !hidden && (
        <Small verb="Add" label={label} act={() => put({ op: 'add', path, text: blankOf(filled) })} />
      )}
      {isNull && !hidden && (
        <Small verb="Give a value to" label={label} act={() => put({ op: 'replace', path, text: blankOf(filled) })} />
      )}
      {view !== undefined && field.nullable && text !== 'null' && (
        <Small verb="Empty" label={label} act={() => put({ op: 'replace', path, text: 'null' })} />
      )}
      {text !== undefined && remove !== undefined && !hidden && (
        <Small verb="Remove" label={label} act={() => put({ op: 'remove', path })} />
      )}
    </>
  )
  const lines = (
    <div id={says} class="says">
      {notes.map((note) => (
        <p key={note} class="muted">
          {visible(note)}
        </p>
      ))}
      {errors.map((error) => (
        <p key={error} class="error">
          {visible(error)}
        </p>
      ))}
    </div>
  )
  if (view !== undefined && isOpen(view)) {
    return (
      <div class="whole" ref={box}>
        <fieldset class="group" aria-describedby={says}>
          <legend>{visible(label)}</legend>
          {lines}
          {view.is === 'list' ? (
            <List {...place} field={view} text={text!} />
          ) : view.is === 'variants' ? (
            <Variants {...place} field={view} text={text!} />
          ) : (
            <Inside {...place} field={view} text={text!} />
          )}
          <div class="buttons">{acts}</div>
        </fieldset>
      </div>
    )
  }
  return (
    <div
      class={view?.is === 'json' || (view?.is === 'text' && view.input === 'long') ? 'field whole' : 'field'}
      ref={box}
    >
      <div class="named">
        {view === undefined ? <span class="label">{visible(label)}</span> : <label for={id}>{visible(label)}</label>}
        {acts}
      </div>
      {hidden ? (
        <p class="muted">Secret: it is hidden, stays as it is, and is not sent.</p>
      ) : view === undefined ? (
        <p class="muted">{isNull ? 'Empty (null)' : 'Not there'}</p>
      ) : (
        <Control field={view} text={text!} path={path} sheet={sheet} id={id} invalid={errors.length > 0} by={says} />
      )}
      {lines}
    </div>
  )
}

function Small({ verb, label, act }: { readonly verb: string; readonly label: string; readonly act: () => void }) {
  return (
    <button type="button" class="small" aria-label={`${verb} ${visible(label)}`} onClick={act}>
      {verb === 'Give a value to' ? 'Give a value' : verb}
    </button>
  )
}

/** The fields of an object. */
function Inside({ field, path, depth, sheet, text }: Place & { readonly text: string }): ComponentChildren {
  if (field.is !== 'object') return null
  return (
    <div class="fields">
      {entriesOf(field.fields, text).map(({ name, named, text: value }) => {
        const inner = named === undefined ? strange : named.field()
        const place = { field: inner, label: inner.title ?? name, path: under(path, name), depth: depth + 1, sheet }
        const remove = () => sheet.write({ op: 'remove', path: place.path })
        return <Entry key={name} {...place} text={value} remove={named?.required ? undefined : remove} />
      })}
    </div>
  )
}

const strange: Extract<Field, { readonly is: 'json' }> = {
  is: 'json',
  why: 'the schema does not name it',
  title: undefined,
  help: undefined,
  nullable: false,
  preset: undefined,
}

const elementsMax = 50

function List({ field, label, path, depth, sheet, text }: Place & { readonly text: string }): ComponentChildren {
  const most = useSignal(elementsMax)
  if (field.is !== 'list') return null
  const all = elementsOf(text)
  // The places of what follows are others afterwards.
  const change = (made: TextChange) => {
    forget(sheet, (at) => isUnder(at, path))
    sheet.write(made)
  }
  return (
    <>
      {all.length === 0 && <p class="muted">The list is empty.</p>}
      {all.slice(0, most.value).map((value, at) => (
        <Entry
          key={`${all.length} ${at}`}
          field={field.item()}
          label={`${label} ${at + 1}`}
          path={under(path, at)}
          depth={depth + 1}
          sheet={sheet}
          text={value}
          remove={() => change({ op: 'remove', path: under(path, at) })}
        />
      ))}
      <div class="buttons">
        {all.length > most.value && (
          <button type="button" class="small" onClick={() => (most.value += elementsMax)}>
            Show more of {all.length.toLocaleString('en')}
          </button>
        )}
        <button
          type="button"
          class="small"
          onClick={() => {
            most.value = Math.max(most.value, all.length + 1)
            change({ op: 'add', path: `${path}/-`, text: blankOf(field.item()) })
          }}
        >
          Add to {visible(label)}
        </button>
      </div>
    </>
  )
}

function Variants({ field, label, path, depth, sheet, text }: Place & { readonly text: string }): ComponentChildren {
  const id = useId()
  if (field.is !== 'variants') return null
  const at = field.variants.findIndex(({ fits }) => fits(text))
  const inner = field.variants[at]?.field()
  return (
    <>
      <label for={id}>Kind of {visible(label)}</label>
      <select
        id={id}
        value={String(at)}
        onChange={(event) => {
          const chosen = field.variants[Number(event.currentTarget.value)]
          if (chosen === undefined) return
          forget(sheet, (at) => at === path || isUnder(at, path))
          sheet.write({ op: 'replace', path, text: blankOf(chosen.field()) })
        }}
      >
        {at < 0 && <option value="-1">none of these</option>}
        {field.variants.map((variant, n) => (
          <option key={n} value={String(n)}>
            {visible(variant.label)}
          </option>
        ))}
      </select>
      <Entry
        key={at}
        field={inner ?? { ...strange, why: 'it has none of the shapes that the schema knows' }}
        label={`Value of ${label}`}
        path={path}
        depth={depth + 1}
        sheet={sheet}
        text={text}
      />
    </>
  )
}

/** Whether a field has fields in it. */
const isOpen = (field: Field | undefined) =>
  field !== undefined && (field.is === 'object' || field.is === 'list' || field.is === 'variants')
const isUnder = (pointer: string, path: string) => pointer.startsWith(`${path}/`)
const takesNull = (field: Field) =>
  field.is === 'json' ||
  (field.is === 'choice' && field.options.some(({ json }) => json === 'null')) ||
  (field.is === 'variants' && field.variants.some(({ fits }) => fits('null')))
