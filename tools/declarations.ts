// Reads declarations as the TypeScript compiler writes them: statements, or the members of one, each with its comment.

/** One statement, or one member of an interface or class. */
export interface Statement {
  /** The text of the comment before it, without its stars. */
  readonly doc: string
  readonly code: string
}

/** Splits a text into its statements: each ends with `;`, or with the brace of an interface or class. */
export function statementsOf(text: string): Statement[] {
  const statements: Statement[] = []
  let doc = ''
  let begin = -1
  let depth = 0
  for (let at = 0; at < text.length; at++) {
    const end = skipped(text, at)
    if (end > at) {
      if (begin < 0 && text.startsWith('/**', at)) doc = comment(text.slice(at, end))
      else if (begin < 0 && !text.startsWith('/', at)) begin = at
      at = end - 1
      continue
    }
    const char = text[at]!
    if (begin < 0) {
      if (/\s/.test(char)) continue
      begin = at
    }
    if ('{(['.includes(char)) depth++
    else if ('})]'.includes(char)) depth--
    const code = text.slice(begin, at + 1)
    const ends = char === ';' || (char === '}' && /\n|^$/.test(text[at + 1] ?? '') && isBlock.test(code))
    if (depth > 0 || !ends) continue
    statements.push({ doc, code })
    doc = ''
    begin = -1
  }
  return statements
}

const isBlock = /^(export )?(declare )?(abstract )?(interface|class) /

/** Where the comment or the string that begins here ends; the same place where none begins. */
function skipped(text: string, at: number): number {
  const [found] = /^(?:\/\*[\s\S]*?\*\/|\/\/.*|'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|`(?:\\.|[^`\\])*`)/.exec(
    text.slice(at, at + 4_000),
  ) ?? ['']
  return at + found.length
}

/** The text of a comment. */
function comment(text: string): string {
  return text
    .slice('/**'.length, -'*/'.length)
    .split('\n')
    .map((line) => line.replace(/^\s*\* ?/, '').trimEnd())
    .join('\n')
    .trim()
}
