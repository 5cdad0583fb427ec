// Places in the text of a JSON document, so that a part of it can be replaced and every other character stays. The
// text is known to be JSON. Nothing here recurses: a document may be nested as deeply as it is long.

/** A part of a text: from `from`, up to and without `to`. */
export interface Span {
  readonly from: number
  readonly to: number
}

/** A member of an object, or an element of a list. */
export interface Child {
  /** The name of the member; undefined for an element. */
  readonly name: string | undefined
  /** All of it: name, colon, value. */
  readonly whole: Span
  readonly value: Span
}

/** Returns the index of the first character at or after one that is no white space. */
export function skipSpace(text: string, at: number): number {
  let next = at
  while (' \n\r\t'.includes(text[next] ?? 'x')) next++
  return next
}

/** Returns the index after the value that begins at an index. */
export function endOfValue(text: string, at: number): number {
  let next = at
  for (let depth = 0; ; ) {
    const char = text[next]!
    if (char === '"') next = endOfString(text, next)
    else if (char === '{' || char === '[' || char === '}' || char === ']') {
      depth += char === '{' || char === '[' ? 1 : -1
      next++
    } else if (depth > 0 && ' \n\r\t,:'.includes(char)) {
      next++
      continue
    } else while (next < text.length && !' \n\r\t,:{}[]"'.includes(text[next]!)) next++
    if (depth === 0) return next
  }
}

function endOfString(text: string, at: number): number {
  for (let next = at + 1; ; next++) {
    const char = text[next]
    if (char === '\\') next++
    else if (char === '"') return next + 1
  }
}

/** Lists what is directly in the object or list that begins at an index. */
export function childrenAt(text: string, at: number): Child[] {
  const found: Child[] = []
  const isObject = text[at] === '{'
  let next = skipSpace(text, at + 1)
  while (text[next] !== '}' && text[next] !== ']') {
    const from = next
    let name: string | undefined
    if (isObject) {
      const end = endOfString(text, from)
      name = JSON.parse(text.slice(from, end)) as string
      next = skipSpace(text, skipSpace(text, end) + 1)
    }
    const value = { from: next, to: endOfValue(text, next) }
    found.push({ name, whole: { from, to: value.to }, value })
    next = skipSpace(text, value.to)
    if (text[next] === ',') next = skipSpace(text, next + 1)
  }
  return found
}
