// Texts of any length, as they are: data, and the stacks of errors.
import { visible } from '../pure/words.ts'

const charsShown = 65_536

/** A text, as much of it as a page should show. */
export function LongText({ text }: { readonly text: string }) {
  return (
    <>
      <pre>{visible(text.slice(0, charsShown))}</pre>
      {text.length > charsShown && (
        <p class="more">
          The first {charsShown.toLocaleString('en')} of {text.length.toLocaleString('en')} characters are shown.
        </p>
      )}
    </>
  )
}

/** The stack of an error, folded up. */
export function Stack({ of: { stack } }: { readonly of: { readonly stack?: string | undefined } }) {
  if (stack === undefined) return null
  return (
    <details>
      <summary>For developers</summary>
      <pre>{visible(stack)}</pre>
    </details>
  )
}
