// The pages docs/api/*.md: what each module of the package exports, from the declarations that the compiler writes.
//
// declarations ──scan──→ statements, each with its doc comment ──resolve the barrel──→ exports ──render──→ a page
import { mkdtempDisposableSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { Declarations, type Export, keyOf, type Statement, statementsOf } from './declarations.ts'

interface Module {
  readonly name: string
  readonly barrel: string
  readonly page: string
  readonly about: string
}

const modules: readonly Module[] = [
  { name: 'millrace', barrel: 'index.d.ts', page: 'docs/api/millrace.md', about: 'what an app needs' },
  {
    name: 'millrace/http',
    barrel: 'http/index.d.ts',
    page: 'docs/api/http.md',
    about: 'an app over HTTP',
  },
  {
    name: 'millrace/testing',
    barrel: 'testing/index.d.ts',
    page: 'docs/api/testing.md',
    about: 'simulations, and tests of single parts; the guide is [testing.md](../guides/testing.md)',
  },
  {
    name: 'millrace/adapter',
    barrel: 'adapter.d.ts',
    page: 'docs/api/adapter.md',
    about: 'what the author of a store needs; the guide is [adapter.md](../guides/adapter.md)',
  },
]

/** Constants that are tables with a page of their own. */
const tables: Readonly<Record<string, string>> = {
  errors: 'The table is [errors.md](../errors.md).',
  defaults: 'The table is [defaults.md](../defaults.md).',
}

/** The texts of the pages, by their path in the repository. */
export function apiPages(): Record<string, string> {
  using folder = mkdtempDisposableSync(`${tmpdir()}/millrace-api-`)
  const declarations = new Declarations(folder.path)
  const places = new Map<string, string>()
  return Object.fromEntries(
    modules.map((module) => {
      const exports = declarations.exportsOf(module.barrel)
      const own = exports.filter((each) => !places.has(keyOf(each)))
      for (const each of own) places.set(keyOf(each), `${module.page.slice('docs/api/'.length)}${anchorOf(each)}`)
      return [module.page, new Page(module, declarations, places).text(exports, own)]
    }),
  )
}

const anchorOf = ({ kind, name }: Export) => `#${kind}-${name.toLowerCase()}`
/** The comment of a declaration. */
interface Doc {
  readonly text: string
  readonly example: string | undefined
  /** Parameters, what is returned and thrown, one line each. */
  readonly facts: readonly string[]
}

function docOf(comment: string): Doc {
  const [text = '', ...tags] = comment.split(/^@(?=param|returns|throws|example)/m)
  const [example] = /```[\s\S]*/.exec(tags.find((tag) => tag.startsWith('example')) ?? '') ?? []
  const facts = tags
    .filter((tag) => !tag.startsWith('example'))
    .map((tag) => tag.trim().replace(/\s*\n\s*/g, ' '))
    .map((tag) =>
      tag
        .replace(/^param (\w+) /, '`$1`: ')
        .replace(/^returns /, 'Returns ')
        .replace(/^throws /, 'Throws '),
    )
  return { text: text.trim(), example: example?.trim(), facts }
}

/** One page; it links the names that some page has. */
class Page {
  readonly #module: Module
  readonly #declarations: Declarations
  readonly #places: ReadonlyMap<string, string>

  constructor(module: Module, declarations: Declarations, places: ReadonlyMap<string, string>) {
    this.#module = module
    this.#declarations = declarations
    this.#places = places
  }

  text(exports: readonly Export[], own: readonly Export[]): string {
    const { name, about } = this.#module
    const sorted = [...own].sort((a, b) => (a.name < b.name ? -1 : 1))
    const values = sorted.filter((each) => !isType(each))
    const types = sorted.filter(isType)
    const links = (of: readonly Export[]) => of.map((each) => `[\`${each.name}\`](${this.#link(each)})`).join(',\n')
    const section = (title: string, of: readonly Export[]) =>
      of.length === 0 ? '' : `\n## ${title}\n\n${of.map((each) => this.#entry(each)).join('\n')}`
    const elsewhere = exports.filter((each) => !own.includes(each))
    const also = elsewhere.length === 0 ? '' : `\n## Also exported\n\n${links(elsewhere)}\n`
    return `# \`${name}\`

The exports of \`${name}\`: ${about}. Editors show the same texts, with examples of methods.
The page is written by \`node tools/docs.ts\` from the comments of the source.

Values: ${links(values)}
${section('Values', values)}${section('Types', types)}${also}`
  }

  #entry(entry: Export): string {
    const { name, kind, statement, file } = entry
    const { text, example, facts } = docOf(statement.doc)
    const parts = [`### ${kind} ${name}`, this.#linked(text, file)]
    const table = tables[name]
    if (kind === 'interface' || kind === 'class') parts.push(this.#membersOf(entry).join('\n'))
    else parts.push(table ?? block(statement.code.replace(/^export (declare )?/, '')))
    parts.push(facts.map((fact) => `- ${this.#linked(fact, file)}`).join('\n'), example ?? '')
    return `${parts.filter((part) => part !== '').join('\n\n')}\n`
  }

  /** The members of an interface or class, with those of parents that no page describes. */
  #membersOf({ statement, file, isTypeOnly }: Export): string[] {
    const { body, parents } = headOf(statement.code)
    const notShown = isTypeOnly
      ? /^(private |protected |static |constructor|#|_|\[|readonly [_[])/
      : /^(private |protected |#|_|readonly _)/
    const own = statementsOf(statement.code.slice(body, statement.code.lastIndexOf('}')))
      .filter(({ code }) => !notShown.test(code))
      .map((member) => this.#member(member, file))
    return [...parents.flatMap((parent) => this.#inherited(parent, file)), ...own]
  }

  #inherited({ name, isOptional, only, but }: Parent, file: string): string[] {
    const parent = this.#declarations.find(name, file)
    if (parent === undefined) return [`- all of \`${name}\``]
    const link = this.#link(parent)
    if (link !== undefined) {
      const what = only.length > 0 ? quoted(only) : 'all'
      const without = but.length > 0 ? ` but ${quoted(but)}` : ''
      return [`- ${what} of [\`${name}\`](${link})${without}${isOptional ? ', each optional' : ''}`]
    }
    return this.#membersOf(this.#mapped(parent))
      .filter((text) => only.length === 0 || only.some((each) => isNamed(text, each)))
      .filter((text) => !but.some((each) => isNamed(text, each)))
      .map((text) => (isOptional ? text.replace(/^- `(\w+):/, '- `$1?:') : text))
  }

  /** A type that has a number for each field of a constant, as that constant with its comments. */
  #mapped(from: Export): Export {
    const [, constant] = /\[Name in keyof typeof (\w+)\]: number/.exec(from.statement.code) ?? []
    const found = constant === undefined ? undefined : this.#declarations.find(constant, from.file)
    if (found === undefined) return from
    const code = found.statement.code.replace(/^( {4}readonly \w+): [\s\S]*?;$/gm, '$1: number;')
    return { ...found, statement: { ...found.statement, code } }
  }

  #member({ code, doc }: Statement, file: string): string {
    const { text, facts } = docOf(doc)
    const signature = code
      .replace(/;$/, '')
      .replace(/\s*\n\s*/g, ' ')
      .replace(/^readonly /, '')
    const said = text === '' ? '' : `: ${this.#linked(text, file).replaceAll('\n', '\n  ').replaceAll(/^ +$/gm, '')}`
    return [
      `- \`${signature.replaceAll('`', '´')}\`${said}`,
      ...facts.map((fact) => `  - ${this.#linked(fact, file)}`),
    ].join('\n')
  }

  #linked(text: string, file: string): string {
    return text.replace(/\{@link ([\w.]+)\}/g, (_, path: string) => {
      const found = this.#declarations.find(path.split('.')[0]!, file)
      const link = found && this.#link(found)
      return link === undefined ? `\`${path}\`` : `[\`${path}\`](${link})`
    })
  }

  #link(to: Export): string | undefined {
    const link = this.#places.get(keyOf(to)) ?? this.#places.get(keyOf({ ...to, isTypeOnly: true }))
    const page = this.#module.page.slice('docs/api/'.length)
    return link?.startsWith(`${page}#`) ? link.slice(page.length) : link
  }
}

const isType = ({ kind, isTypeOnly }: Export) => isTypeOnly || kind === 'interface' || kind === 'type'

const block = (code: string) =>
  `\`\`\`ts\n${code.replace(/\/\/ biome-ignore.*\n/g, '').replaceAll('    ', '  ')}\n\`\`\``

/** Where the members of an interface or class begin, and what it extends, without type arguments. */
function headOf(code: string): { body: number; parents: Parent[] } {
  let depth = 0
  let from = 0
  for (let at = 0; at < code.length; at++) {
    if (code[at] === '<') depth++
    else if (code[at] === '>' && code[at - 1] !== '=') depth--
    else if (depth === 0 && from === 0 && code.startsWith(' extends ', at)) from = at + ' extends '.length
    else if (depth === 0 && code[at] === '{') {
      return { body: at + 1, parents: from === 0 ? [] : parentsIn(code.slice(from, at)) }
    }
  }
  return { body: code.length, parents: [] }
}

/** What an interface extends: a name, with what is made of it on the way. */
interface Parent {
  readonly name: string
  readonly isOptional: boolean
  readonly only: readonly string[]
  readonly but: readonly string[]
}

function parentsIn(list: string): Parent[] {
  return list.split(/,(?![^<]*>)/).map((parent) => {
    const [, optional, way, name, keys] = /^\s*(Optional<|Partial<)?(?:(Pick|Omit)<)?(\w+)(?:, ([^>]*))?/.exec(parent)!
    const named = [...(way === undefined ? '' : keys!).matchAll(/'(\w+)'/g)].map(([, key]) => key!)
    const only = way === 'Pick' ? named : []
    return { name: name!, isOptional: optional !== undefined, only, but: way === 'Omit' ? named : [] }
  })
}

const quoted = (names: readonly string[]) => names.map((name) => `\`${name}\``).join(', ')
const isNamed = (member: string, name: string) => new RegExp(`^- \`${name}\\b`).test(member)
