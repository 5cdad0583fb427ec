// JSON as text: laid out for people without reading its numbers, which keep their digits.

/** Lays JSON text out, two spaces deep; other text as it is. */
export function laidOut(json: string): string {
  try {
    JSON.parse(json)
  } catch {
    return json
  }
  const token = /"(?:\\.|[^"\\])*"|[[\]{},:]|[^\s[\]{},:"]+/g
  let out = ''
  let depth = 0
  let last = ''
  const newLine = () => `\n${'  '.repeat(depth)}`
  for (const [one] of json.matchAll(token)) {
    if (one === '}' || one === ']') {
      depth--
      out += last === '{' || last === '[' ? one : newLine() + one
    } else if (one === ',') out += one
    else if (one === ':') out += ': '
    else {
      out += last === '{' || last === '[' || last === ',' ? newLine() + one : one
      if (one === '{' || one === '[') depth++
    }
    last = one
  }
  return out
}

/** JSON laid out to be edited: in its texts, what cannot be seen stands as its escape, which is the same text. */
export function editable(json: string): string {
  return laidOut(json).replace(/[\p{Cf}\u2028\u2029]/gu, (one) =>
    [...one.split('')].map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`).join(''),
  )
}

/** Where text is no JSON: what is wrong, and the line, from 1; undefined where it is JSON. */
export function jsonProblem(text: string): { readonly message: string; readonly line: number } | undefined {
  try {
    JSON.parse(text)
    return undefined
  } catch (error) {
    const { message } = error as SyntaxError
    const [, position] = /position (\d+)/.exec(message) ?? []
    const at = position === undefined ? text.length : Number(position)
    return { message: message.replace(/ in JSON at position.*$/, ''), line: text.slice(0, at).split('\n').length }
  }
}
