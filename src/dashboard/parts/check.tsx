// What the server says of an edit, before it is sent.
import { type Signal, useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import type { DataChange } from '../../model/change.ts'
import type { DeskCheck } from '../../operate/desk-edits.ts'
import { act } from '../client.ts'
import { visible } from '../pure/words.ts'

const checkMs = 400

/** What the server says of the changes, a moment after they were written; undefined until it has said it. */
export function useCheck(id: number, changes: readonly DataChange[]): Signal<DeskCheck | undefined> {
  const said = useSignal<DeskCheck | undefined>(undefined)
  const written = JSON.stringify(changes)
  useEffect(() => {
    said.value = undefined
    if (changes.length === 0) return
    let over = false
    const timer = setTimeout(async () => {
      // Where it cannot be asked, it judges when the changes are sent.
      const check = await act('/api/desk/{id}/check', { id }, { change: changes }).catch(() => undefined)
      if (!over) said.value = check
    }, checkMs)
    return () => {
      over = true
      clearTimeout(timer)
    }
  }, [id, written])
  return said
}

/** Why the server would not take it: by place, where its schema says the places. */
export function Misfits({ check: { error, misfits } }: { readonly check: DeskCheck }) {
  return (
    <div class="error">
      <p>The server would not take it{misfits.length === 0 ? `: ${visible(error!.message)}` : ':'}</p>
      <ul>
        {misfits.map(({ pointer, detail }) => (
          <li key={pointer + detail}>
            <code>{visible(pointer === '' ? 'all of it' : pointer)}</code> {visible(detail)}
          </li>
        ))}
      </ul>
    </div>
  )
}
