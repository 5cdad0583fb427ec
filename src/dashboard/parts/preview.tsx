// What the change of an operation makes of its messages, before it is run.
import { useRead } from '../data.ts'
import { patchOf, patchText } from '../pure/patch.ts'
import { count, visible } from '../pure/words.ts'
import { href } from '../router.ts'
import { Diff } from './diff.tsx'
import { Shown } from './states.tsx'

const shownMax = 20

export function PreviewOf({ operation, total }: { readonly operation: number; readonly total: number }) {
  const preview = useRead({
    path: '/api/desk/operations/{operation}/preview',
    params: { operation },
    query: { limit: shownMax },
  })
  return (
    <section aria-labelledby="preview">
      <h2 id="preview">What it would change</h2>
      <Shown of={preview} what="The preview">
        {({ items }) => (
          <>
            <ul class="previews">
              {items.map(({ item, before, after, why }) => (
                <li key={item}>
                  <a href={href(`/desk/${item}`)}>#{item}</a>
                  {after === null ? (
                    <p class="error">It does not fit and stays held: {visible(why ?? '')}</p>
                  ) : after === before ? (
                    <p class="muted">Its data stay as they are; it is tried again.</p>
                  ) : (
                    <Diff before={JSON.parse(before)} changes={JSON.parse(patchText(patchOf(before, after)))} />
                  )}
                </li>
              ))}
            </ul>
            {items.length < total && (
              <p class="muted">
                The first {items.length} of {count(total, 'message')} are shown.
              </p>
            )}
          </>
        )}
      </Shown>
    </section>
  )
}
