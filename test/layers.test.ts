// biome-ignore-all lint/suspicious/noTemplateCurlyInString: some texts are source code
// Arrows between the folders of src/, as in ARCHITECTURE.md, and what the inner ones may not touch.
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import test from 'node:test'
import { fileURLToPath } from 'node:url'
import { offenders } from './offenders.ts'
import { shapeOf } from './shape.ts'

const src = fileURLToPath(new URL('../src', import.meta.url))

/** What each layer may import from, besides itself. Of other adapters, one may know only what Node.js gives, and what they share. */
const arrows: Readonly<Record<string, readonly string[]>> = {
  model: [],
  seam: ['model'],
  engine: ['model', 'seam'],
  parts: ['model', 'seam', 'engine'],
  // The edge is loaded when an app serves: see below.
  app: ['model', 'seam', 'engine', 'parts', 'adapters/node', 'operate', 'control', 'http'],
  adapters: ['model', 'seam', 'adapters/node', 'adapters/shared'],
  operate: ['model', 'seam', 'engine', 'parts'],
  control: ['model', 'seam', 'engine', 'parts', 'operate'],
  describe: ['model', 'seam', 'parts', 'operate'],
  http: ['model', 'seam', 'engine', 'parts', 'operate', 'describe'],
  cli: ['index', 'operate', 'control', 'describe', 'testing', 'adapters/postgres'],
  // Puts another world below the same engine, so it knows the whole of it.
  testing: ['index', 'model', 'seam', 'engine', 'parts', 'operate', 'app', 'adapters/sqlite', 'adapters/node'],
  // Runs in a browser: of the others it knows types and pure functions of the model.
  dashboard: ['model', 'operate', 'http', 'describe'],
  adapter: ['model', 'seam'],
  index: ['http', 'operate', 'model', 'seam', 'engine', 'parts', 'app', 'adapters/sqlite', 'adapters/node'],
}

/** Files of `engine/` that every folder in it may import. */
const open: readonly string[] = ['engine/spec.ts', 'engine/service.ts']

/** What each folder of `engine/` may import of the others; `engine.ts` imports them all. */
const rooms: Readonly<Record<string, readonly string[]>> = {
  kit: [],
  commit: ['kit'],
  time: ['kit', 'commit'],
  alert: ['commit'],
  request: ['kit', 'commit'],
  consumer: ['kit', 'commit'],
  flow: ['kit', 'commit', 'time', 'request'],
  desk: ['kit', 'commit', 'consumer'],
}

/** Packages that a layer may import. */
const packages: Readonly<Record<string, readonly string[]>> = {
  model: ['@standard-schema/spec'],
  describe: ['@standard-schema/spec', '@dagrejs/dagre'],
  cli: ['commander'],
  parts: ['croner'],
  adapters: ['@opentelemetry/api', 'pg'],
  http: ['hono', '@hono/node-server', 'jose'],
  dashboard: ['preact', '@preact/signals', '@dagrejs/dagre'],
}

/** Layers that run in a simulation: nothing of Node.js, no clock, no chance, no timer. */
const inner = ['model', 'seam', 'engine', 'parts']

/** Globals that would make two runs with the same seed differ. */
const banned: readonly (readonly [name: string, pattern: RegExp])[] = [
  ['Date.now', /(?<![.\w$])Date\s*\.\s*now\b/],
  ['new Date()', /(?<![.\w$])new\s+Date\s*(\(\s*\)|(?!\s*\()(?![\w$]))/],
  ['Date()', /(?<![.\w$])(?<!\bnew\s+)Date\s*\(/],
  ['Math.random', /(?<![.\w$])Math\s*\.\s*random\b/],
  ...['setTimeout', 'setInterval', 'setImmediate', 'clearTimeout', 'queueMicrotask', 'performance', 'crypto'].map(
    global,
  ),
  ...['process', 'globalThis', 'require'].map(global),
  ['AbortSignal.timeout', /\bAbortSignal\s*\.\s*timeout\b/],
]

function global(name: string): readonly [string, RegExp] {
  return [name, new RegExp(`(?<![.\\w$#])${name}(?![\\w$])(?!\\s*\\??:)`)]
}

const files = globSync('**/*.{ts,tsx}', { cwd: src }).filter((file) => !/(\.test|\.d)\.ts$/.test(file))

/** `engine/consumer/consumer.ts` is of `engine`, `adapters/node/world.ts` of `adapters/node`, `app.ts` of `app`. */
function placeOf(file: string): string {
  const [first, second] = file.split('/')
  return first === 'adapters' ? `${first}/${second}` : first!.replace(/\.ts$/, '')
}

/** `engine/consumer/lanes.ts` is in `consumer`, `engine/engine.ts` in none. */
function roomOf(file: string): string | undefined {
  const [, room, inner] = file.split('/')
  return inner === undefined ? undefined : room
}

function layerOf(place: string): string {
  return place.startsWith('adapters/') ? 'adapters' : place
}

/** `hono/tiny` is of `hono`, `@hono/node-server/conninfo` of `@hono/node-server`. */
const packageOf = (name: string) => name.split('/', name.startsWith('@') ? 2 : 1).join('/')

/** Every module that a file names: `import`, `export … from`, `import()`, `new URL('./thread.ts', import.meta.url)`. */
function importsOf(text: string): string[] {
  const clauses = /(?:\bfrom\s*|\bimport\s*\(?\s*|\bnew URL\(\s*)'([^']+)'/g
  return [...text.matchAll(clauses)].map((match) => match[1]!)
}

/** The text with comments and the insides of strings and regular expressions blanked. */
function code(text: string): string {
  const parts =
    /\/\/[^\n]*|\/\*[\s\S]*?\*\/|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|(?<=[(,=:[!&|?{};]\s*|\breturn\s+)\/(?![/*])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\/[a-z]*/
  let left = text
  let result = ''
  /** Depth of braces at which each open template expression ends. */
  const templates: number[] = []
  let depth = 0
  const token = new RegExp(`${parts.source}|[\`{}]`)
  while (left !== '') {
    const found = token.exec(left)
    if (found === null) return result + left
    result += left.slice(0, found.index)
    left = left.slice(found.index + found[0].length)
    const inTemplate = () => {
      const end = /^(?:\\[\s\S]|[^`\\$]|\$(?!\{))*(`|\$\{)/.exec(left)
      assert(end !== null, 'a template ends')
      left = left.slice(end[0].length)
      if (end[1] === '`') return
      templates.push(depth)
      depth++
      result += ' '
    }
    if (found[0] === '`') inTemplate()
    else if (found[0] === '{') {
      depth++
      result += '{'
    } else if (found[0] === '}') {
      depth--
      if (templates.at(-1) === depth) {
        templates.pop()
        inTemplate()
      } else result += '}'
    } else result += ' '
  }
  return result
}

function bannedIn(text: string): string[] {
  const bare = code(text)
  return banned.filter(([, pattern]) => pattern.test(bare)).map(([name]) => name)
}

test('no import goes against the layers', () => {
  const wrong: string[] = []
  for (const file of files) {
    const from = placeOf(file)
    const allowed = arrows[layerOf(from)]
    assert(allowed !== undefined, `src/${file} is in no known layer: add it to the arrows`)
    for (const name of importsOf(readFileSync(join(src, file), 'utf8'))) {
      if (!name.startsWith('.')) continue
      const target = relative(src, join(src, dirname(file), name))
      const to = placeOf(target)
      if (target === '../package.json' || to === from || allowed.includes(to)) continue
      wrong.push(`src/${file} imports ${target}: ${from} may know ${[from, ...allowed].join(', ')}`)
    }
  }
  assert.deepEqual(wrong, [])
})

test('the HTTP edge is loaded only when an app serves, by import(); all else knows its types alone', () => {
  const reaching = files.flatMap((file) => {
    if (placeOf(file) === 'http' || placeOf(file) === 'dashboard') return []
    const text = readFileSync(join(src, file), 'utf8')
    const names = importsOf(text).filter((name) => placeOf(relative(src, join(src, dirname(file), name))) === 'http')
    return names
      .filter((name) => !new RegExp(`(import|export) type \\{[^}]*\\} from '${name}'`).test(text))
      .map((name) => [file, name, text.includes(`await import('${name}')`)])
  })
  assert.deepEqual(reaching, [['app/serving.ts', '../http/server.ts', true]])
})

test('of the server the dashboard knows types alone, and of the model what needs nothing of Node.js', () => {
  const wrong = files.flatMap((file) => {
    if (placeOf(file) !== 'dashboard') return []
    const text = readFileSync(join(src, file), 'utf8')
    const names = importsOf(text).filter((name) => /^\.\.?\/.*\b(operate|http)\//.test(name))
    return names
      .filter((name) => !new RegExp(`import type \\{[^}]*\\} from '${name}'`).test(text))
      .map((name) => `src/${file} imports ${name}`)
  })
  assert.deepEqual(wrong, [])
})

/** What pages have of the server as code, and not as types alone: it imports nothing that is not on this list. */
const shared: readonly string[] = ['model/json-edit.ts', 'model/json-text.ts']

test('pure parts of the dashboard use no document, and of the server only shared files', () => {
  const wrong: string[] = []
  const dom = ['document', 'window', 'navigator', 'location', 'localStorage', 'fetch', 'globalThis'].map(global)
  for (const file of files.filter((one) => one.startsWith('dashboard/pure/') || shared.includes(one))) {
    const text = readFileSync(join(src, file), 'utf8')
    for (const [name] of dom.filter(([, pattern]) => pattern.test(code(text)))) wrong.push(`src/${file} uses ${name}`)
    for (const name of importsOf(text)) {
      const target = relative(src, join(src, dirname(file), name))
      const isType = new RegExp(`(import|export) type \\{[^}]*\\} from '${name}'`).test(text)
      if (name.startsWith('.') && (isType || target.startsWith('dashboard/pure/') || shared.includes(target))) continue
      wrong.push(`src/${file} imports ${name}`)
    }
  }
  assert.deepEqual(wrong, [])
})

test('the folders of the engine import each other in one order, but for the arrows that are listed', () => {
  const wrong: string[] = []
  for (const file of files.filter((one) => one.startsWith('engine/'))) {
    const room = roomOf(file)
    if (room === undefined) continue
    assert(rooms[room] !== undefined, `src/${file} is in no known folder: add it to the rooms`)
    for (const name of importsOf(readFileSync(join(src, file), 'utf8'))) {
      const target = relative(src, join(src, dirname(file), name))
      if (!target.startsWith('engine/') || open.includes(target)) continue
      const to = roomOf(target)
      if (to === room || (to !== undefined && rooms[room].includes(to))) continue
      wrong.push(`${file} imports ${target}`)
    }
  }
  assert.deepEqual(wrong.sort(), offenders.arrows, 'mend what is new; the list in test/offenders.ts only shrinks')
})

test('each layer uses only the packages that are named for it, the inner ones nothing of Node.js', () => {
  const wrong: string[] = []
  for (const file of files) {
    const layer = layerOf(placeOf(file))
    for (const name of importsOf(readFileSync(join(src, file), 'utf8'))) {
      if (name.startsWith('.')) continue
      if (name.startsWith('node:') ? inner.includes(layer) : !(packages[layer] ?? []).includes(packageOf(name))) {
        wrong.push(`src/${file} imports ${name}`)
      }
    }
  }
  assert.deepEqual(wrong, [])
})

test('model, seam, engine and parts read no clock, no chance, no timer and no process', () => {
  const wrong: string[] = []
  for (const file of files) {
    if (!inner.includes(placeOf(file))) continue
    for (const name of bannedIn(readFileSync(join(src, file), 'utf8'))) wrong.push(`src/${file} uses ${name}`)
  }
  assert.deepEqual(wrong, [])
})

/** The files of each circle of imports, type imports included, by Tarjan's algorithm of strongly connected parts. */
function circles(imports: ReadonlyMap<string, readonly string[]>): string[][] {
  const found: string[][] = []
  const order = new Map<string, { low: number; readonly at: number; open: boolean }>()
  const path: string[] = []
  const visit = (file: string) => {
    const mine = { low: order.size, at: order.size, open: true }
    order.set(file, mine)
    path.push(file)
    for (const next of imports.get(file) ?? []) {
      const known = order.get(next)
      if (known?.open !== false) mine.low = Math.min(mine.low, known === undefined ? visit(next) : known.at)
    }
    if (mine.low === mine.at) {
      const part = path.splice(path.indexOf(file))
      for (const member of part) order.get(member)!.open = false
      if (part.length > 1 || imports.get(file)?.includes(file)) found.push(part.sort())
    }
    return mine.low
  }
  for (const file of imports.keys()) if (!order.has(file)) visit(file)
  return found
}

test('no files import each other in a circle, not for types either, but those that are listed', () => {
  const imports = new Map(
    files.map((file) => {
      const names = importsOf(readFileSync(join(src, file), 'utf8')).filter((name) => name.startsWith('.'))
      return [file, names.map((name) => relative(src, join(src, dirname(file), name)))] as const
    }),
  )
  assert.deepEqual(circles(imports).flat().sort(), offenders.circles)
})

test('circles are found where they are, and only there', () => {
  const of = (arrows: Record<string, string[]>) => circles(new Map(Object.entries(arrows)))
  assert.deepEqual(of({ a: ['b', 'c'], b: ['c'], c: [] }), [])
  assert.deepEqual(of({ a: ['b'], b: ['c'], c: ['b', 'd'], d: [] }), [['b', 'c']])
  assert.deepEqual(of({ a: ['b'], b: ['a', 'c'], c: ['d'], d: ['e'], e: ['c'] }), [
    ['c', 'd', 'e'],
    ['a', 'b'],
  ])
  assert.deepEqual(of({ a: ['a'] }), [['a']])
})

const bounds = { lines: 300, methods: 25, fields: 15, positional: 4 }
/** Where the length of a file is bounded; classes and functions are bounded everywhere. */
const bounded = /^(engine|seam|adapters|app|operate|describe|http|control|cli|dashboard)(\/|\.ts$)/

const linesIn = (text: string) => text.split('\n').filter((line) => line.trim() !== '').length

/** Everything over its bound: `engine/engine.ts lines` → 739, `engine/engine.ts Engine methods` → 53. */
function excesses(file: string, text: string): [what: string, is: number][] {
  // What is written with elements is measured by its lines alone.
  const { lines, classes, functions } = file.endsWith('.tsx') ? { ...shapeOf(''), lines: linesIn(text) } : shapeOf(text)
  const found: [string, number][] = []
  const look = (what: string, is: number, most: number) => {
    if (is > most) found.push([`${file} ${what}`, is])
  }
  if (bounded.test(file)) look('lines', lines, bounds.lines)
  for (const { name, methods, fields } of classes) {
    look(`${name} methods`, methods, bounds.methods)
    look(`${name} fields`, fields, bounds.fields)
  }
  for (const { name, positional, booleans } of functions) {
    look(`${name}() parameters`, positional, bounds.positional)
    for (const boolean of booleans) look(`${name}() takes true or false as ${boolean}`, 1, 0)
  }
  return found
}

test('files, classes and lists of parameters stay small, and the exceptions only shrink', () => {
  const listed: Readonly<Record<string, number>> = offenders.sizes
  const found = new Map<string, number>()
  for (const [what, is] of files.flatMap((file) => excesses(file, readFileSync(join(src, file), 'utf8')))) {
    found.set(what, Math.max(is, found.get(what) ?? 0))
  }
  const wrong: string[] = []
  for (const [what, is] of found) {
    if (is > (listed[what] ?? 0)) wrong.push(`src/${what}: ${is}, was ${listed[what] ?? 'within its bound'}`)
  }
  for (const what of Object.keys(listed)) {
    if (!found.has(what)) wrong.push(`src/${what} is within its bound now: take it off the list`)
  }
  assert.deepEqual(wrong, [], 'cut what is new; the list in test/offenders.ts only shrinks')
})

test('the shape of a file is counted as it is', () => {
  const { lines, classes, functions } = shapeOf(`
    class A extends B {
      readonly one = 1
      private two: string | undefined
      constructor(a: number, wide: boolean) { super() }
      get three() { return 3 }
      four = (b: boolean, { c }: { c: boolean }) => b
      five(is = false): boolean { return is }
    }
    export function six(a: string, b: (x: boolean) => void, c: boolean, d = 1, e?: number) {}
`)
  assert.equal(lines, 10)
  assert.deepEqual(classes, [{ name: 'A', methods: 3, fields: 2 }])
  assert.deepEqual(
    functions.map(({ name, positional, booleans }) => [name, positional, ...booleans]),
    [
      ['A.constructor', 2, 'wide'],
      ['A.three', 0],
      ['A.four', 2, 'b'],
      ['A.five', 1, 'is'],
      ['six', 5, 'c'],
    ],
  )
})

test('the author of a store gets every facet of the seam from millrace/adapter', () => {
  const exported = importsOf(readFileSync(join(src, 'adapter.ts'), 'utf8'))
  const facets = files.filter((file) => file.startsWith('seam/'))
  const missing = facets.filter((file) => !exported.includes(`./${file}`))
  assert.deepEqual(missing, [], 'export it from src/adapter.ts')
  const guide = readFileSync(join(src, '../docs/guides/adapter.md'), 'utf8')
  const unnamed = facets.filter((file) => !guide.includes(`\`${file.slice('seam/'.length)}\``))
  assert.deepEqual(unnamed, [], 'say in docs/guides/adapter.md what it is for')
})

test('the look for globals finds them where they are, and only there', () => {
  for (const [text, names] of [
    ['const a = Date.now()', ['Date.now']],
    ['const a = new Date()', ['new Date()']],
    ['const a = new Date', ['new Date()']],
    ['const a = Date()', ['Date()']],
    ['const a = new Date(ms); x instanceof Date; let y: Date', []],
    ['const a = `now ${Date.now()} and ${`${Math.random()}`}`', ['Date.now', 'Math.random']],
    ['const a = `setTimeout ${b} performance`; // crypto', []],
    ['const a = \'setTimeout(…)\' /* process.env */ + "queueMicrotask"', []],
    ["const a = /'/; setTimeout(fn)", ['setTimeout']],
    ['const a = b / c; setImmediate(fn) / 2', ['setImmediate']],
    ['if (process.env.A) globalThis.x = 1', ['process', 'globalThis']],
    ['clock.setTimeout(fn); { process: 1 }; row.process; interface A { performance?: number }', []],
    ['const a = `a ${{ b: `}` }.b} `; setInterval(fn)', ['setInterval']],
  ] as const) {
    assert.deepEqual(bannedIn(text), names, text)
  }
})

test('every file of src is found', () => {
  assert(files.length > 20)
  assert.deepEqual(importsOf("import a from './a.ts'\nexport type { b } from './b.ts'\nawait import('./c.ts')"), [
    './a.ts',
    './b.ts',
    './c.ts',
  ])
})
