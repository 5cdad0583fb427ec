import type { Help } from '../../model/help.ts'
import { visible } from '../pure/words.ts'

/** What an error means and what to do, in the words of who wrote the desk; and who looks after the part. */
export function HelpText({ help, owner }: { readonly help: Help | null; readonly owner: string | null }) {
  if (help === null && owner === null) return null
  return (
    <>
      {help !== null && (
        <p>
          {visible(help.text)}{' '}
          {help.url !== undefined && (
            <a href={help.url} target="_blank" rel="noopener noreferrer">
              Read more
            </a>
          )}
        </p>
      )}
      {owner !== null && <p class="muted">{visible(owner)} looks after it.</p>}
    </>
  )
}
