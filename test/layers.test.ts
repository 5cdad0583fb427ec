// biome-ignore-all lint/suspicious/noTemplateCurlyInString: some texts are source code
// Arrows between the folders of src/, as in ARCHITECTURE.md, and what the inner ones may not touch.
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import test from 'node:test'
import { fileURLToPath } from 'node:url'

const src = fileURLToPath(new URL('../src', import.meta.url))

/** What each layer may import from, besides itself. Of other adapters, one may know only what Node.js gives. */
const arrows: Readonly<Record<string, readonly string[]>> = {
  model: [],
  seam: ['model'],
  engine: ['model', 'seam'],
  parts: ['model', 'seam', 'engine'],
  app: ['model', 'seam', 'engine', 'parts', 'adapters/node', 'control'],
  adapters: ['model', 'seam', 'adapters/node'],
  control: ['index', 'model', 'parts'],
  cli: ['index', 'control', 'testing'],
  // Puts another world below the same engine, so it knows the whole of it.
  testing: ['index', 'model', 'seam', 'engine', 'parts', 'app', 'adapters/sqlite', 'adapters/node'],
  index: ['control', 'model', 'seam', 'engine', 'parts', 'app', 'adapters/sqlite', 'adapters/node'],
}

/** Packages that a layer may import. */
const packages: Readonly<Record<string, readonly string[]>> = {
  model: ['@standard-schema/spec'],
  cli: ['commander'],
  parts: ['croner'],
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

const files = globSync('**/*.ts', { cwd: src }).filter((file) => !file.endsWith('.test.ts'))

/** `engine/consumer.ts` is of `engine`, `adapters/node/world.ts` of `adapters/node`, `app.ts` of `app`. */
function placeOf(file: string): string {
  const [first, second] = file.split('/')
  return first === 'adapters' ? `${first}/${second}` : first!.replace(/\.ts$/, '')
}

function layerOf(place: string): string {
  return place.startsWith('adapters/') ? 'adapters' : place
}

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

test('each layer uses only the packages that are named for it, the inner ones nothing of Node.js', () => {
  const wrong: string[] = []
  for (const file of files) {
    const layer = layerOf(placeOf(file))
    for (const name of importsOf(readFileSync(join(src, file), 'utf8'))) {
      if (name.startsWith('.')) continue
      if (name.startsWith('node:') ? inner.includes(layer) : !(packages[layer] ?? []).includes(name)) {
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
