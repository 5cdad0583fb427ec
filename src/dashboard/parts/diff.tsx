import type { DataChange } from '../../model/change.ts'
import { valueAt } from '../pure/pointer.ts'
import { visible } from '../pure/words.ts'

const charsMax = 500

/** What a change list changes, one line each: where, what it was, what it becomes. */
export function Diff({ before, changes }: { readonly before: unknown; readonly changes: readonly DataChange[] }) {
  return (
    <ul class="diff">
      {changes.map((change, at) => {
        const was = valueAt(before, change.path)
        return (
          <li key={`${at} ${change.path}`}>
            <code>{visible(change.path === '' ? 'all of it' : change.path)}</code>
            {was !== undefined && change.op !== 'add' && (
              <div>
                <del class="mono">{shown(was)}</del>
              </div>
            )}
            {'value' in change ? (
              <div>
                <ins class="mono">{shown(change.value)}</ins>
              </div>
            ) : (
              <div>is removed</div>
            )}
          </li>
        )
      })}
    </ul>
  )
}

function shown(value: unknown): string {
  const text = JSON.stringify(value)
  return visible(text.length > charsMax ? `${text.slice(0, charsMax)}…` : text)
}
