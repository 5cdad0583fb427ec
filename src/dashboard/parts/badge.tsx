import { stateWords } from '../pure/words.ts'
import { Icon } from './icon.tsx'

/** A state: its word and its symbol, in its colour. */
export function Badge({ state }: { readonly state: string }) {
  const { word, tone } = stateWords[state] ?? { word: state, tone: 'quiet' as const }
  return (
    <span class={`badge ${tone}`}>
      <Icon name={tone} />
      {word}
    </span>
  )
}
