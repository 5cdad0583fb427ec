// The answer of another system to one request.
import type { Endpoint } from '../../operate/processors.ts'
import { visible } from '../pure/words.ts'

export type Exchange = NonNullable<Endpoint['last']>

export function Answered({ exchange: { status, error, answer, cut } }: { readonly exchange: Exchange }) {
  return (
    <>
      <span class={status !== null && status < 300 ? 'ok' : 'failing'}>
        {status ?? visible(error?.message ?? 'no answer')}
      </span>
      {answer !== null && answer !== '' && (
        <details>
          <summary>Its text</summary>
          <pre>{visible(answer)}</pre>
          {cut && <p class="more">It was longer.</p>}
        </details>
      )}
    </>
  )
}
