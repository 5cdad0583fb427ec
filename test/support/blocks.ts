// The blocks of code of a page, and what is said about each to the tests. How to mark a block stands in test/guides.deep.test.ts.

/** How the test deals with a block: it runs it, or the page says what else runs it, or that nothing does. */
export type Way =
  | { readonly is: 'run'; readonly status: number; readonly runsOn?: RunsOn }
  | { readonly is: 'said' }
  | { readonly is: 'run elsewhere'; readonly by: string }
  | { readonly is: 'not run'; readonly because: string }

/** Commands that do not end: each runs on once it has said a text, the last of a console what is shown there. */
export interface RunsOn {
  readonly after?: string | undefined
}

/** One step of a page: a block of code, or something that happens between two. */
export type Step =
  | {
      readonly kind: 'block'
      readonly line: number
      readonly language: string
      readonly text: string
      readonly way: Way
    }
  | { readonly kind: 'happens'; readonly line: number; readonly what: string }

export type Block = Extract<Step, { kind: 'block' }>

/** What a page needs beside itself: a running app, things that happen between two commands. */
export interface Stage {
  readonly steps: Readonly<Record<string, () => unknown>>
  /** Variables of the environment in which the commands of the page run. */
  readonly env?: Readonly<Record<string, string>>
  /** Awaited after each step of the page. */
  idle?(): Promise<void>
  stop?(): Promise<void>
}

/** Languages of blocks that are shown and never run: output, data, files of other programs. */
const shown = ['text', 'json', 'jsonl', 'sql', 'ini']
const run = ['ts', 'sh', 'console']

/**
 * Reads a page.
 *
 * @throws an error that names the line, for a block that nothing runs and that does not say so
 */
export function stepsOf(page: string): Step[] {
  const steps: Step[] = []
  let marks: { readonly line: number; readonly text: string }[] = []
  const lines = page.split('\n')
  for (let at = 0; at < lines.length; at++) {
    const line = at + 1
    const mark = /^<!-- (test: .+|not run: .+) -->$/.exec(lines[at]!)
    const fence = /^```(.*)$/.exec(lines[at]!)
    if (mark !== null) marks.push({ line, text: mark[1]! })
    else if (fence === null) {
      steps.push(...marks.map(happening))
      marks = []
    } else {
      const end = lines.indexOf('```', at + 1)
      if (end < 0) throw new Error(`line ${line}: this block does not end`)
      const text = lines
        .slice(at + 1, end)
        .map((each) => `${each}\n`)
        .join('')
      const about = marks.filter(({ text }) => isAboutBlock(text))
      steps.push(...marks.filter(({ text }) => !isAboutBlock(text)).map(happening))
      steps.push(
        block(
          line,
          fence[1]!,
          text,
          about.map(({ text }) => text),
        ),
      )
      marks = []
      at = end
    }
  }
  return [...steps, ...marks.map(happening)]
}

const runsOn = /^test: runs on(?: after "(.+)")?$/
const said = 'test: what runs says'
const isAboutBlock = (mark: string) =>
  mark.startsWith('not run: ') ||
  mark === said ||
  runsOn.test(mark) ||
  / runs this$/.test(mark) ||
  /^test: exit status \d+$/.test(mark)

function happening({ line, text }: { readonly line: number; readonly text: string }): Step {
  if (isAboutBlock(text)) throw new Error(`line ${line}: "${text}" must stand directly above a block of code`)
  return { kind: 'happens', line, what: text.replace('test: ', '') }
}

function block(line: number, language: string, text: string, marks: readonly string[]): Step {
  const way = wayOf(marks)
  if (!run.includes(language) && !shown.includes(language)) {
    const names = [...run, ...shown].join(', ')
    throw new Error(`line ${line}: a block of code says what it is: ${names}; this one says "${language}"`)
  }
  if (shown.includes(language)) {
    const command = /^(?:\$ )?(?:npx |npm |node |millrace ).*$/m.exec(text)
    if (command !== null)
      throw new Error(`line ${line}: "${command[0]}" is a command: it belongs into a block of sh or console`)
    const only: Way = { is: 'not run', because: 'it is only shown' }
    return { kind: 'block', line, language, text, way: way.is === 'said' ? way : only }
  }
  if (language === 'ts' && way.is === 'run' && !/^\/\/ \S+\.ts\n/.test(text)) {
    throw new Error(`line ${line}: TypeScript begins with the name of its file, "// shop.ts", or is marked`)
  }
  if (language === 'console' && way.is === 'run' && !text.startsWith('$ ')) {
    throw new Error(`line ${line}: a block of console begins with "$ " and a command`)
  }
  return { kind: 'block', line, language, text, way }
}

function wayOf(marks: readonly string[]): Way {
  for (const mark of marks) {
    const because = /^not run: (.+)$/.exec(mark)?.[1]
    if (because !== undefined) return { is: 'not run', because }
    const by = /^test: (\S+\.test\.ts) runs this$/.exec(mark)?.[1]
    if (by !== undefined) return { is: 'run elsewhere', by }
  }
  if (marks.includes(said)) return { is: 'said' }
  const status = marks.map((mark) => /^test: exit status (\d+)$/.exec(mark)?.[1]).find(Boolean) ?? '0'
  const on = marks.map((mark) => runsOn.exec(mark)).find(Boolean)
  return { is: 'run', status: Number(status), ...(on && { runsOn: { after: on[1] } }) }
}

/** The name and the text of the file that a block of TypeScript is. */
export function fileIn(text: string): { readonly name: string; readonly code: string } {
  const [, name, code] = /^\/\/ (\S+)\n([\s\S]*)$/.exec(text)!
  return { name: name!, code: code! }
}

/** The commands of a block, each with the output that the page shows for it. */
export function commandsIn(language: string, text: string): { readonly command: string; readonly says?: string }[] {
  if (language === 'sh') return [...text.matchAll(/(?:[^\n]*\\\n)*[^\n]+/g)].map(([command]) => ({ command }))
  return text
    .split(/^\$ /m)
    .slice(1)
    .map((part) => {
      const [, command, says] = /^((?:[^\n]*\\\n)*[^\n]*)\n([\s\S]*)$/.exec(part)!
      return { command: command!, says: says! }
    })
}

/** The text of an output without what differs each time: times, ids, ages, processes, folders, and with them how wide a column is. */
function steady(text: string): string {
  return text
    .replace(/\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d{3}Z)?/g, 'TIME')
    .replace(/[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}/g, 'ID')
    .replace(/\b\d\d:\d\d:\d\d\b/g, 'TIME')
    .replace(/\b\d+(\.\d+)? ?ms\b/g, 'SPAN')
    .replace(/\b\d+(\.\d+)? (s|min|h|d)\b/g, 'AGE')
    .replace(/\bprocess \d+/g, 'process N')
    .replace(/postgres:\/\/\S*[^\s:,;]/g, 'postgres://URL')
    .replace(/(?:\/[\w.-]+)+\/([\w-]+\.\w+)/g, 'PATH/$1')
    .replace(/ {2,}/g, '  ')
}

/** Whether a command says what a page shows, or begins to; a line `…` there stands for any number of lines. */
export function saysSo(said: string, shownText: string, how: 'all' | 'begins' = 'all'): boolean {
  const pattern = steady(shownText)
    .split('\n')
    .map((line) => (line.trim() === '…' ? '(?:.*\\n)*?' : `${line.replace(/[^\w\s]/g, '\\$&')}\n`))
    .join('')
  return new RegExp(`^${pattern.slice(0, -1)}${how === 'all' ? '$' : ''}`).test(steady(said))
}

/** The names of the files that are not needed by any of the entries, by their imports. */
export function idleFiles(files: ReadonlyMap<string, string>, entries: readonly string[]): string[] {
  const reached = new Set<string>()
  const reach = (name: string) => {
    const code = files.get(name)
    if (code === undefined || reached.has(name)) return
    reached.add(name)
    for (const [, other] of code.matchAll(/(?:from|import|new URL)\s*\(?\s*'\.\/([^']+)'/g)) reach(other!)
  }
  for (const entry of entries) reach(entry)
  return [...files.keys()].filter((name) => !reached.has(name))
}
