// Reads declarations as the TypeScript compiler writes them: the exports of a file, statements, and the members of one,
// each with its comment.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

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

export type Kind = 'function' | 'const' | 'class' | 'interface' | 'type'

/** Something that a module exports. */
export interface Export {
  readonly name: string
  readonly kind: Kind
  readonly statement: Statement
  readonly file: string
  /** True for a class that users can name and not make. */
  readonly isTypeOnly: boolean
}

/** Tells exports apart; a class that is exported as a type too is two. */
export const keyOf = ({ name, file, kind, isTypeOnly }: Export) =>
  `${name} ${file}${kind === 'class' && isTypeOnly ? ' type' : ''}`

/** The declarations of the source. */
export class Declarations {
  readonly #folder: string
  readonly #files = new Map<string, readonly Statement[]>()

  constructor(folder: string) {
    const root = fileURLToPath(new URL('..', import.meta.url))
    const tsc = join(root, 'node_modules/typescript/bin/tsc')
    const words = [tsc, '-p', join(root, 'tsconfig.build.json'), '--emitDeclarationOnly', '--outDir', folder]
    const { status, stdout } = spawnSync(process.execPath, words, { encoding: 'utf8' })
    if (status !== 0) throw new Error(`the declarations cannot be written:\n${stdout}`)
    this.#folder = folder
  }

  /** The exports of a file, with those that it passes on from others. */
  exportsOf(file: string): Export[] {
    const found = this.#statements(file).flatMap((statement): Export[] => {
      const { code } = statement
      const [, type, all, list, path] = /^export (type )?(?:(\*)|\{([^}]*)\}) from '([^']+)';$/s.exec(code) ?? []
      if (path === undefined) {
        const declared = declaredIn(code)
        return code.startsWith('export ') && declared ? [{ ...declared, statement, file, isTypeOnly: false }] : []
      }
      const types = new Map(namesIn(list ?? '').map((name) => [name.replace(/^type /, ''), name.startsWith('type ')]))
      return this.exportsOf(beside(file, path))
        .filter(({ name }) => all !== undefined || types.has(name))
        .map((each) => ({
          ...each,
          isTypeOnly: type !== undefined || types.get(each.name) === true || each.isTypeOnly,
        }))
        .filter(({ kind, isTypeOnly }) => !isTypeOnly || (kind !== 'function' && kind !== 'const'))
    })
    return [...new Map(found.map((each) => [keyOf(each), each])).values()]
  }

  /** What a name means in a file: its own declaration, or the one that it imports. */
  find(name: string, file: string): Export | undefined {
    for (const statement of this.#statements(file)) {
      const declared = declaredIn(statement.code)
      if (declared?.name === name) return { ...declared, statement, file, isTypeOnly: false }
      const [, names, path] = /^import (?:type )?\{([^}]*)\} from '([^']+)';$/s.exec(statement.code) ?? []
      const imported = namesIn(names ?? '').find((each) => new RegExp(`\\b${name}$`).test(each))
      const [, there = name] = /^(?:type )?(\w+) as /.exec(imported ?? '') ?? []
      if (imported !== undefined && path!.startsWith('.')) return this.find(there, beside(file, path!))
    }
    return undefined
  }

  #statements(file: string): readonly Statement[] {
    const known = this.#files.get(file)
    if (known !== undefined) return known
    const read = statementsOf(readFileSync(join(this.#folder, file), 'utf8'))
    this.#files.set(file, read)
    return read
  }
}

const namesIn = (list: string) =>
  list
    .split(',')
    .map((name) => name.trim())
    .filter(Boolean)

const beside = (file: string, path: string) => join(dirname(file), path.replace(/\.[jt]s$/, '.d.ts'))

function declaredIn(code: string): { name: string; kind: Kind } | undefined {
  const pattern = /^(?:export )?(?:declare )?(?:abstract )?(function|const|class|interface|type) (\w+)/
  const [, kind, name] = pattern.exec(code) ?? []
  return name === undefined ? undefined : { name, kind: kind as Kind }
}
