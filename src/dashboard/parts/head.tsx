// The head of a table: a word for each column. Columns of numbers stand at the right; a column that is `late` is left out
// on a phone.
type Kind = 'number' | 'late' | 'number late'
export type Column = string | readonly [word: string, kind: Kind, title?: string]

export function Head({ of }: { readonly of: readonly (Column | undefined)[] }) {
  return (
    <thead>
      <tr>
        {of.map((column) => {
          if (column === undefined) return null
          const [word, kind, title] = typeof column === 'string' ? [column] : column
          return (
            <th key={word} scope="col" class={kind} title={title}>
              {word}
            </th>
          )
        })}
      </tr>
    </thead>
  )
}
