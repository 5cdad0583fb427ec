// Formats values as text: pure functions.

/** Escapes characters that would act on a terminal, or hide or reverse text. */
export function safe(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, escaped)
}

function escaped(character: string): string {
  if (character === '\n') return '\\n'
  if (character === '\t') return '\\t'
  const code = character.codePointAt(0)!
  return code > 0xffff ? `\\u{${code.toString(16)}}` : `\\u${code.toString(16).padStart(4, '0')}`
}

/** Escapes as `safe` does, line by line. */
export function safeLines(text: string): string[] {
  return text.split(/\r?\n/).map(safe)
}

/** Escapes JSON so that it means the same and nothing in it acts on a terminal. */
export function safeJson(json: string): string {
  return json.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) =>
    character === '\n'
      ? character
      : Array.from({ length: character.length }, (_, at) => character.charCodeAt(at).toString(16).padStart(4, '0'))
          .map((hex) => `\\u${hex}`)
          .join(''),
  )
}

/** Quotes a word for a shell where needed. */
export function shellWord(text: string): string {
  return /^[\w./#-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}

/** Formats a time in UTC, to the second. */
export function moment(ms: number): string {
  return new Date(ms).toISOString().replace('T', ' ').slice(0, 19)
}

const wide =
  /^[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]$/u

/** The number of terminal columns that a text takes. */
export function widthOf(text: string): number {
  let width = 0
  for (const character of text) {
    if (/^\p{M}$/u.test(character)) continue
    width += wide.test(character) ? 2 : 1
  }
  return width
}

/** Cuts a text to a number of columns; `…` marks a cut. */
export function cut(text: string, columns: number): string {
  if (text.length * 2 <= columns || widthOf(text) <= columns) return text
  let width = 0
  let kept = ''
  for (const character of text) {
    width += widthOf(character)
    if (width > columns - 1) break
    kept += character
  }
  return `${kept}…`
}

export function pad(text: string, columns: number, side: 'left' | 'right' = 'left'): string {
  const space = ' '.repeat(Math.max(0, columns - widthOf(text)))
  return side === 'right' ? space + text : text + space
}

export interface Column<Row> {
  readonly title: string
  readonly value: (row: Row) => string | number
  /** The least width to which the column may shrink when there is not enough room. */
  readonly shrinksTo?: number | undefined
  /** The width that it keeps as long as other columns can shrink. */
  readonly keeps?: number | undefined
}

const gap = 2

/** The cells that a table shows of a row; only these are kept. */
export type Cells = readonly (string | number)[]

const cellCharsMax = 1_000

export function cellsOf<Row>(columns: readonly Column<Row>[], row: Row): Cells {
  return columns.map(({ value }) => {
    const cell = value(row)
    return typeof cell === 'string' ? cell.slice(0, cellCharsMax) : cell
  })
}

/**
 * Formats a table with a line of titles, as wide as it needs to be and at most `columnsMax`. Numbers are right-aligned.
 */
export function table<Row>(columns: readonly Column<Row>[], rows: readonly Row[], columnsMax: number): string[] {
  return tableOf(
    columns,
    rows.map((row) => cellsOf(columns, row)),
    columnsMax,
  )
}

/** Formats a table of rows of which only the cells were kept. */
export function tableOf<Row>(columns: readonly Column<Row>[], cells: readonly Cells[], columnsMax: number): string[] {
  const texts = cells.map((line) => line.map((cell) => safe(String(cell))))
  const widths = columns.map(({ title }, at) =>
    texts.reduce((width, line) => Math.max(width, Math.min(widthOf(line[at]!), columnsMax)), title.length),
  )
  shrink(widths, columns, columnsMax - gap * (columns.length - 1))
  const line = (values: readonly string[], numbers: readonly boolean[]) =>
    values
      .map((value, at) => pad(cut(value, widths[at]!), widths[at]!, numbers[at] ? 'right' : 'left'))
      .join(' '.repeat(gap))
      .trimEnd()
  const numbers = columns.map((_, at) => cells.length > 0 && cells.every((row) => typeof row[at] === 'number'))
  return [
    line(
      columns.map(({ title }) => title),
      numbers,
    ),
    ...texts.map((values) => line(values, numbers)),
  ]
}

/**
 * Shrinks the widest column that can shrink, one column at a time, until all fit or none can. Only then takes from the
 * width that a column keeps.
 */
function shrink<Row>(widths: number[], columns: readonly Column<Row>[], columnsMax: number): void {
  const least = columns.map(({ shrinksTo = Number.POSITIVE_INFINITY }) => shrinksTo)
  const kept = columns.map(({ keeps = 0 }, at) => Math.max(keeps, least[at]!))
  let over = widths.reduce((sum, width) => sum + width, 0) - columnsMax
  for (const bounds of [kept, least]) {
    for (; over > 0; over--) {
      let widest = -1
      bounds.forEach((bound, at) => {
        if (widths[at]! > bound && (widest === -1 || widths[at]! > widths[widest]!)) widest = at
      })
      if (widest === -1) break
      widths[widest]!--
    }
  }
}

/** Formats names with their values, one below the other; a long text continues below its beginning. */
export function facts(
  pairs: readonly (readonly [name: string, text: string | undefined])[],
  columns: number,
): string[] {
  const shown = pairs.filter((pair): pair is readonly [string, string] => pair[1] !== undefined)
  const width = Math.max(...shown.map(([name]) => name.length))
  return shown.flatMap(([name, text]) => {
    const lines = wrap(safe(text), Math.max(20, columns - width - 2 * gap))
    return lines.map((line, at) => `  ${pad(at === 0 ? name : '', width)}  ${line}`)
  })
}

/** Breaks a text into lines of at most `columns`, at spaces; a longer word has a line of its own. */
export function wrap(text: string, columns: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && widthOf(line) + 1 + widthOf(word) > columns) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line]
}

export function bytes(count: number): string {
  if (count < 1_000) return `${count} bytes`
  const units = ['kB', 'MB', 'GB', 'TB']
  let value = count
  let unit = -1
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1_000
    unit++
  }
  return `${value < 10 ? value.toFixed(1) : value.toFixed(0)} ${units[unit]}`
}

/** Formats a duration in one unit, short: `5 s`, `3 min`, `2 h`, `4 d`. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000))
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min`
  const hours = Math.floor(minutes / 60)
  return hours < 48 ? `${hours} h` : `${Math.floor(hours / 24)} d`
}

/** Formats a count with its noun: `1 message`, `2 messages`. */
export function count(number: number, one: string, many: string = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`
}
