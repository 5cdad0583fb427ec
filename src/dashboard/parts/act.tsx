// The dialog before something is done. It says, in this order: what will happen, what will not, where it can be undone, the
// command that does the same, the reason, and two buttons named by their verbs.
import { useSignal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { type Problem, problemOf } from '../client.ts'
import { changed } from '../live.ts'
import { quoted, visible } from '../pure/words.ts'
import { Dialog } from './dialog.tsx'

export interface Doing {
  readonly title: string
  readonly will: string
  readonly wont?: string | undefined
  readonly undo?: string | undefined
  /** The command that does the same; the reason is put behind it. */
  readonly command?: string | (() => string) | undefined
  readonly verb: string
  readonly danger?: boolean | undefined
  /** Whether a reason is asked for: `must` needs one. */
  readonly reason: 'must' | 'may' | 'none'
  /** What the text is called, where it is no reason. */
  readonly reasonWord?: string | undefined
  /** A number that must be typed, so that nobody does it to many by mistake. */
  readonly type?: number | undefined
  /** More fields of the form. */
  readonly fields?: ComponentChildren | (() => ComponentChildren)
  send(reason: string | undefined): Promise<unknown>
}

export function Act({ doing, close }: { readonly doing: Doing; readonly close: () => void }) {
  const {
    title,
    will,
    wont,
    undo,
    command,
    verb,
    danger = false,
    reason: asks,
    reasonWord = 'Reason',
    type,
    fields,
  } = doing
  const reason = useSignal('')
  const typed = useSignal('')
  const waits = useSignal(false)
  const problem = useSignal<Problem | undefined>(undefined)
  const text = reason.value.trim()
  const said = typeof command === 'function' ? command() : command
  const send = async (event: Event) => {
    event.preventDefault()
    if (waits.value) return
    waits.value = true
    problem.value = undefined
    try {
      await doing.send(text === '' ? undefined : text)
      changed()
      close()
    } catch (error) {
      problem.value = problemOf(error)
      waits.value = false
    }
  }
  return (
    <Dialog title={title} close={close}>
      <form onSubmit={send}>
        <p>{visible(will)}</p>
        {wont !== undefined && <p>{visible(wont)}</p>}
        {undo !== undefined && <p>{visible(undo)}</p>}
        {typeof fields === 'function' ? fields() : fields}
        {asks !== 'none' && (
          <>
            <label for="reason">
              {reasonWord}
              {asks === 'may' && <span class="muted"> (optional)</span>}
            </label>
            <textarea
              id="reason"
              rows={2}
              maxLength={2_000}
              required={asks === 'must'}
              value={reason.value}
              onInput={(event) => (reason.value = event.currentTarget.value)}
            />
          </>
        )}
        {type !== undefined && (
          <>
            <label for="typed">Type {type} to go on</label>
            <input
              id="typed"
              inputMode="numeric"
              required
              value={typed.value}
              onInput={(event) => (typed.value = event.currentTarget.value)}
            />
          </>
        )}
        {said !== undefined && <Command text={`${said}${saidBy(text, reasonWord)}`} />}
        {problem.value !== undefined && <Refusal problem={problem.value} />}
        <div class="buttons">
          <button type="button" onClick={close}>
            Cancel
          </button>
          <button
            type="submit"
            class={`main ${danger ? 'danger' : ''}`}
            disabled={waits.value || (type !== undefined && typed.value.trim().replaceAll(',', '') !== String(type))}
          >
            {verb}
          </button>
        </div>
      </form>
    </Dialog>
  )
}

/** The text, as the end of a command. A note is a word of its own. */
function saidBy(text: string, word: string): string {
  if (word === 'Note') return ` ${quoted(text || '…')}`
  return text === '' ? '' : ` --reason ${quoted(text)}`
}

/** The command that does the same, where `app.ts` stands for the file of the app. */
export function Command({ text }: { readonly text: string }) {
  return (
    <details>
      <summary>The command that does the same</summary>
      <div class="command">
        <code>{visible(text)}</code>
        <button type="button" onClick={() => void navigator.clipboard?.writeText(text)}>
          Copy
        </button>
      </div>
    </details>
  )
}

export function Refusal({ problem }: { readonly problem: Problem }) {
  return (
    <div class="error" role="alert">
      <p>
        <strong>Nothing was done.</strong> {visible(problem.message)}
      </p>
      {problem.help !== '' && <p>{visible(problem.help)}</p>}
    </div>
  )
}
