// biome-ignore-all lint/suspicious/noTemplateCurlyInString: some texts are source code
import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import test from 'node:test'
import { fileURLToPath } from 'node:url'
import {
  app,
  type Bound,
  type Broker,
  defaults,
  desk,
  errors,
  event,
  gather,
  isMillraceError,
  type Limit,
  processor,
  sqlite,
  topic,
} from 'millrace'
import { gateway } from 'millrace/http'
import { z } from 'zod'
import { pages, placeOf } from '../tools/docs.ts'
import { stepsOf } from './support/blocks.ts'
import { linksOf, testsNamedIn } from './support/pages.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const read = (path: string) => readFileSync(join(root, path), 'utf8')

for (const [path, page] of Object.entries(pages)) {
  test(`${path} is the table of the code, as node tools/docs.ts writes it`, () => {
    assert.equal(read(path), page(), 'run node tools/docs.ts')
  })
}

/** The rows of the tables of a page, each with its cells. */
function rowsOf(path: string): string[][] {
  const rows = read(path).matchAll(/^\| (`.*) \|$/gm)
  return [...rows].map((row) => row[1]!.split(' | '))
}

test('docs/errors.md has each error once, with its class, whether it is retryable, and its help', () => {
  const documented = read('docs/errors.md')
    .split(/^## /m)
    .slice(1)
    .flatMap((section) => {
      const rows = [...section.matchAll(/^\| `(.*)` \| (yes|no) \| (.*) \|$/gm)]
      const kind = section.slice(0, section.indexOf('\n'))
      return rows.map(([, code, retryable, help]) => [code, { class: kind, retryable: retryable === 'yes', help }])
    })
  assert.equal(documented.length, Object.keys(errors).length)
  assert.deepEqual(Object.fromEntries(documented), errors)
})

test('docs/defaults.md has each default with its bounds', () => {
  const number = (text: string) => Number(text.replaceAll(',', ''))
  const documented = rowsOf('docs/defaults.md').map(([name, , value, bounds, what]) => {
    const [min, max] = bounds!.split(' to ')
    const isOptional = value === 'none'
    const bound = { default: isOptional ? null : number(value!), min: number(min!), max: number(max!), what }
    return [name!.slice(1, -1), bound]
  })
  const shown = Object.entries(defaults).map(([name, { fraction: _, optional, ...bound }]: [string, Bound]) => {
    return [name, optional === true ? { ...bound, default: null } : bound]
  })
  assert.deepEqual(Object.fromEntries(documented), Object.fromEntries(shown))
})

test('each default may be set where docs/defaults.md says, within its bounds and not beyond', () => {
  const Empty = topic('empty', [])
  const Full = event('full', { schema: z.object({}) })
  const file = 'never-opened.db'
  const broker: Broker = sqlite({ file })
  const parts = { name: 'docs', broker, parts: [] }
  const set: Record<string, (option: Record<string, number>) => unknown> = {
    processor: (option) => processor('docs', { on: Empty, handle: {}, ...option }),
    retry: (option) => processor('docs', { on: Empty, handle: {}, retry: option }),
    desk: (option) => desk('docs', { on: Empty, decide: {}, ...option }),
    gather: (option) => {
      const Item = event('item', { schema: z.object({}) })
      const how = 'window' in option ? { when: { value: () => 0, above: 1 } } : {}
      const on = topic('items', [Item])
      return gather('docs', { on, of: [Item], publishes: Full, data: () => ({}), ...how, ...option })
    },
    app: (option) => app({ ...parts, ...option }),
    sqlite: (option) => sqlite({ file, ...option }),
    gateway: (option) => gateway(app(parts), { access: () => undefined, ...option }),
  }
  for (const [name, place] of Object.entries(placeOf)) {
    const { min, max, fraction = false }: Bound = defaults[name as Limit]
    const declare = set[place]
    if (declare === undefined) continue
    declare({ [name]: min })
    declare({ [name]: max })
    if (place !== 'gather') declare({ [name]: undefined as never })
    for (const value of [min - 1, max + 1, ...(fraction ? [] : [min + 0.5]), Number.NaN]) {
      const refused = (error: unknown) => isMillraceError(error, 'millrace/bad-option') && error.message.includes(name)
      assert.throws(() => declare({ [name]: value }), refused, `${name}: ${value}`)
    }
  }
  for (const [name, place] of Object.entries(placeOf)) {
    if (place !== 'fixed') continue
    for (const declare of Object.values(set)) {
      assert.throws(
        () => declare({ [name]: 1 }),
        (error) => isMillraceError(error, 'millrace/unknown-option'),
      )
    }
  }
})

test('every error code of the table is raised somewhere, and every code raised is in the table', () => {
  const raised = new Set<string>()
  for (const file of globSync('src/**/*.ts', { cwd: root })) {
    if (file.endsWith('.test.ts')) continue
    let text = read(file)
    if (file === 'src/model/errors.ts') text = text.slice(text.indexOf('satisfies Record<string, Row>'))
    // In comments codes stand in backticks, in code in quotes.
    for (const [, code] of text.matchAll(/'(millrace\/[^']+)'/g)) raised.add(code!)
  }
  const codes = Object.keys(errors)
  assert.deepEqual(
    codes.filter((code) => !raised.has(code)),
    [],
    'in the table and never raised',
  )
  assert.deepEqual(
    [...raised].filter((code) => !codes.includes(code)),
    [],
    'raised and not in the table',
  )
})

test('every command that a message names is worded by `commandLine`, so that it can be typed', () => {
  // In package.json a command needs no `npx`.
  const free = ["'millrace start app.ts'", "'millrace dev app.ts'"]
  const files = globSync('src/cli/commands/*.ts', { cwd: root })
  const commands = files.map((file) => basename(file).split(/[.-]/)[0])
  const bare = new RegExp(`\\bmillrace (${[...new Set(commands)].join('|')})\\b`)
  const found: string[] = []
  for (const file of globSync('src/**/!(*.test).ts', { cwd: root })) {
    const code = read(file).replace(/^\s*(\/\/|\/?\*).*$/gm, '')
    for (const line of code.split('\n')) {
      if (bare.test(line) && !free.some((text) => line.includes(text))) found.push(`${file}: ${line.trim()}`)
    }
  }
  assert.deepEqual(found, [])
})

test('every error code that a comment or a page names is in the table', () => {
  const wrong: string[] = []
  for (const file of globSync(['src/**/*.ts', '*.md', 'docs/**/*.md'], { cwd: root })) {
    for (const [, code] of read(file).matchAll(/`(millrace\/[a-z-]+)`/g)) {
      if (!(code! in errors) && !subpaths.includes(code!)) wrong.push(`${file}: ${code}`)
    }
  }
  assert.deepEqual(wrong, [])
})

/** Modules of the package, which look like codes. */
const subpaths = ['postgres', 'nats', 'kafka', 'adapter', 'http', 'testing'].map((name) => `millrace/${name}`)

/** How many rows of requirements each chapter has. */
const chapters = { A: 4, B: 7, C: 6, D: 4, E: 3, F: 1, G: 4, H: 4 }

/** The rows of the requirements that docs/guarantees.md has, each with its states and with what shows it. */
function requirementsIn(page: string): Map<string, { states: string[]; shown: boolean }> {
  const rows = new Map<string, { states: string[]; shown: boolean }>()
  for (const [, numbers, state, shownBy] of page.matchAll(/^\| ([A-Z]\d[A-Z\d, ]*) \| ([^|]*) \| ?([^|]*)\|$/gm)) {
    for (const number of numbers!.split(', ')) {
      const row = rows.get(number) ?? { states: [], shown: false }
      rows.set(number, {
        states: [...row.states, state!],
        shown: row.shown || /`[^`]+\.(?:test\.ts|md)`/.test(shownBy!),
      })
    }
  }
  return rows
}

test('docs/guarantees.md has every row of the requirements, shown by a test or marked as not yet there', () => {
  const rows = requirementsIn(read('docs/guarantees.md'))
  const numbers = Object.entries(chapters).flatMap(([chapter, count]) =>
    Array.from({ length: count }, (_, index) => `${chapter}${index + 1}`),
  )
  assert.deepEqual([...rows.keys()].sort(), numbers)
  const bare = [...rows].filter(([, { states, shown }]) => !shown && !states.some((text) => text.startsWith('not yet')))
  assert.deepEqual(bare, [])
})

test('the check of the rows of the requirements notices one that is missing or has no test', () => {
  const rows = requirementsIn(
    '| A1, B2 | so | "a test" in `x.test.ts` |\n| B7 | not yet: a bridge | |\n| B2 | it is | |\n',
  )
  assert.deepEqual([...rows.keys()], ['A1', 'B2', 'B7'])
  assert.deepEqual(rows.get('B2'), { states: ['so', 'it is'], shown: true })
  assert.equal(rows.get('B7')!.shown, false)
})

/** Words of the field for what Millrace has under a word of its own. */
const fieldWords = `dead-letter queue, error queue, dead-letter redrive, saga, process manager, orchestrator, workflow,
  compensation, choreography, ordering key, partition key, message group, transactional outbox and inbox, idempotent consumer,
  exactly-once processing, aggregator, content-based router, continue-as-new, consumer group, competing consumers, offset`

test('docs/vocabulary.md leads from the words of the field to those of Millrace, and has each of its own words once', () => {
  const rows = [...read('docs/vocabulary.md').matchAll(/^\| (?!word |---)(.*?) \| .* \|(.*)\|$/gm)]
  const elsewhere = rows.map(([, , words]) => words).join()
  assert.deepEqual(
    fieldWords.split(/,\s+/).filter((word) => !elsewhere.includes(word)),
    [],
  )
  const own = rows.flatMap(([, words]) => words!.split(', '))
  assert.deepEqual(
    own.filter((word, at) => own.indexOf(word) !== at),
    [],
  )
})

test('the README and the description of the package use the words that people search for', () => {
  const first = read('README.md').slice(0, 1_500)
  const { description, keywords } = JSON.parse(read('package.json'))
  for (const word of ['message broker', 'transactional outbox', 'dead-letter queue', 'sagas', 'workflows', 'exactly']) {
    assert.match(first, new RegExp(word, 'i'))
    assert.match(description, new RegExp(word, 'i'))
  }
  for (const word of ['saga', 'outbox', 'inbox', 'workflow', 'dead-letter-queue', 'process-manager', 'aggregator']) {
    assert(keywords.includes(word), word)
  }
})

test('every file and folder that ARCHITECTURE.md names is there', () => {
  const page = read('ARCHITECTURE.md')
  const [, questions] = /\n## Where is …\n([\s\S]*?)\n## /.exec(page)!
  const files = [...questions!.matchAll(/`([\w/-]+\.ts)`/g)].map(([, path]) => path!)
  const names = new Set(globSync('src/**/*.ts', { cwd: root }).map((path) => path.slice(path.lastIndexOf('/') + 1)))
  const isThere = (path: string) => (path.includes('/') ? existsSync(join(root, 'src', path)) : names.has(path))
  assert.deepEqual(
    files.filter((path) => !isThere(path)),
    [],
  )
  const [, tree] = /\nsrc\/\n([\s\S]*?)```/.exec(page)!
  const folders = [...tree!.matchAll(/^ +([\w/]+)\/ /gm)].map(([, folder]) => folder!)
  assert(folders.length > 10)
  const known = globSync('src/**/', { cwd: root }).map((path) => `${path}/`)
  assert.deepEqual(
    folders.filter((folder) => !known.some((path) => path.endsWith(`/${folder}/`))),
    [],
  )
})

const markdown = globSync(['*.md', 'docs/**/*.md', 'examples/**/*.md', 'bench/*.md'], { cwd: root })

test('every relative link of a page points to a file, and its anchor to a heading', () => {
  const wrong: string[] = []
  for (const file of markdown) {
    for (const { path, anchor } of linksOf(read(file))) {
      const target = path === '' ? file : join(dirname(file), path)
      if (!existsSync(join(root, target))) wrong.push(`${file}: ${path}`)
      else if (anchor !== '' && target.endsWith('.md') && !anchorsOf(target).includes(anchor)) {
        wrong.push(`${file}: ${path}#${anchor}`)
      }
    }
  }
  assert.deepEqual(wrong, [])
})

/** As GitHub makes them of headings. */
function anchorsOf(file: string): string[] {
  return [...read(file).matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )
}

test('every block of code of the guides is one that a test runs, or says why not', () => {
  for (const page of ['README.md', ...globSync('docs/guides/*.md', { cwd: root })]) {
    assert.doesNotThrow(
      () => stepsOf(read(page)),
      `${page}: the head of test/guides.deep.test.ts says how to mark a block`,
    )
  }
})

test('every test that a page names exists in the file that it names', () => {
  const wrong: string[] = []
  for (const file of markdown) {
    for (const { name, path } of testsNamedIn(file, read(file))) {
      const titles = existsSync(join(root, path)) ? namesOf(read(path)) : []
      const isThere = name === undefined ? titles.length > 0 : titles.some((pattern) => pattern.test(name))
      if (!isThere) wrong.push(`${file}: "${name ?? ''}" is no test of ${path}`)
    }
  }
  assert.deepEqual(wrong, [])
})

/** The names of the tests of a file; where a template has a hole, anything may stand. */
function namesOf(text: string): RegExp[] {
  const calls = text.matchAll(/\b(?:test|it|scenario)(?:\.\w+)?\(\s*(['"`])((?:\\.|(?!\1)[^\\])*)\1/g)
  return [...calls].map(([, , name]) => {
    const literal = name!.replace(/\\(.)/g, '$1').split(/\$\{[^}]*\}/)
    return new RegExp(`^${literal.map((part) => part.replace(/[^\w\s]/g, '\\$&')).join('.+')}$`)
  })
}

test('the check of the pages finds links, anchors and tests', () => {
  assert.deepEqual(
    namesOf("test('a is b', () => {})\ntest(`for ${x} it is so`, fn)\n  test.skip(\n 'it\\'s c',").map((name) =>
      ['a is b', 'for you it is so', "it's c"].map((text) => name.test(text)),
    ),
    [
      [true, false, false],
      [false, true, false],
      [false, false, true],
    ],
  )
  const page = '[a `b`](../x.md#y) [is](https://z) "a; b" in `test/a.test.ts`; `test/b.test.ts` [t](../test/c.test.ts)'
  assert.deepEqual(linksOf(page)[0], { text: 'a `b`', path: '../x.md', anchor: 'y' })
  assert.deepEqual(testsNamedIn('docs/page.md', page), [
    { name: 'a; b', path: 'test/a.test.ts' },
    { name: undefined, path: 'test/b.test.ts' },
    { name: 't', path: 'test/c.test.ts' },
  ])
  assert(markdown.includes('docs/errors.md'))
})
