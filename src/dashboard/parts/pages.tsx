// A list, page by page: the pages that were asked for stay and each keeps itself up to date; the last one offers the next.
import { useSignal } from '@preact/signals'
import { type ComponentChildren, Fragment } from 'preact'
import { Full } from './states.tsx'

export interface PageAt<Cursor> {
  /** The cursor of the page; undefined for the first. */
  readonly after: Cursor | undefined
  /** How many pages are before it. */
  readonly at: number
  /** Shows the next page; undefined where a next one is shown. */
  readonly more: ((next: Cursor) => void) | undefined
}

interface PagesProps<Cursor> {
  readonly children: (page: PageAt<Cursor>) => ComponentChildren
}

export function Pages<Cursor extends string | number>({ children }: PagesProps<Cursor>) {
  const cursors = useSignal<readonly (Cursor | undefined)[]>([undefined])
  const more = (next: Cursor) => {
    cursors.value = [...cursors.value, next]
  }
  const last = cursors.value.length - 1
  return (
    <div class="scroll">
      {cursors.value.map((after, at) => (
        <Fragment key={after}>{children({ after, at, more: at === last ? more : undefined })}</Fragment>
      ))}
    </div>
  )
}

/** A list shows no more rows than these: nobody reads further, and each page of it is read again at news. */
const rowsMax = 1_000

interface MoreProps<Cursor> {
  readonly page: PageAt<Cursor>
  /** The cursor of the next page; null at the end of the list. */
  readonly next: Cursor | null
  /** The rows of a page. */
  readonly each: number
  /** The words of the button. */
  readonly word?: string | undefined
  /** What stands before the button. */
  readonly children?: ComponentChildren
}

/** The way to the next page, below the last one. */
export function More<Cursor>({ page: { at, more }, next, each, word = 'Show more', children }: MoreProps<Cursor>) {
  if (more === undefined || next === null) return null
  if ((at + 1) * each >= rowsMax) return <Full shown={rowsMax} />
  return (
    <p class="more">
      {children}
      <button type="button" onClick={() => more(next)}>
        {word}
      </button>
    </p>
  )
}
