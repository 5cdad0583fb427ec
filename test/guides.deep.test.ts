// Every block of code of README.md and of the guides is run, or says that it is not. A page is run from its top to its
// end in a folder of its own, where `millrace` and our devDependencies are installed. How to write a block:
//
//   ```ts       a file. Its first line is its name: `// shop.ts`. It has to fit the types, and something on the page
//               runs it: a command that names it, the test runner if it is a `.test.ts`, or the import of one of these.
//   ```console  `$ ` and a command, then what it says; a line `…` stands for any number of lines. Times, ids, ages,
//               processes and folders are not compared. `cd` holds for the commands after it; `npm install` does nothing.
//   ```sh       commands whose output is not shown; each ends with status 0.
//   ```text     and json, jsonl, sql, ini: only shown; no command may stand there.
//
// A comment on the line above a block, or above another such comment, says what is special about it:
//
//   <!-- not run: it needs systemd -->               nothing runs it; tell the reader too
//   <!-- test: test/package/x.test.ts runs this -->  that test reads the block from the page and runs it
//   <!-- test: exit status 1 -->                     how each command of a block of sh ends
//   <!-- test: runs on -->                           its last command is left running, once it has said what is shown
//   <!-- test: runs on after "ready" -->             the same for each command of a block of sh, which ends the one before
//   <!-- test: what runs says -->                    of a block of text: this is waited for, after what was waited for
//   <!-- test: what runs is stopped -->              by SIGTERM; the end of the page does that too
//   <!-- test: the bank answers again -->            any other words: `stage` in test/guides/PAGE.ts has a step of this
//                                                    name, which is done at this place of the page
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, delimiter, dirname, join } from 'node:path'
import test, { after, suite } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type Block, commandsIn, fileIn, idleFiles, type Stage, saysSo, stepsOf } from './support/blocks.ts'
import { Reading, shell, write } from './support/reading.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const read = (page: string) => readFileSync(join(root, page), 'utf8')
const pages = ['README.md', ...globSync('docs/guides/*.md', { cwd: root }).sort()]

const place = realpathSync(mkdtempSync(join(tmpdir(), 'docs-')))
after(() => rmSync(place, { recursive: true, force: true }))
installInto(place)
const folderOf = (page: string) => join(place, basename(page, '.md').toLowerCase())

/** As if Millrace and the other packages were installed there, and their commands. */
function installInto(folder: string): void {
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }\n')
  mkdirSync(join(folder, 'node_modules'))
  for (const name of readdirSync(join(root, 'node_modules'))) {
    if (!name.startsWith('.')) symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name))
  }
  symlinkSync(root, join(folder, 'node_modules', 'millrace'))
  const commands = {
    millrace: `exec ${process.execPath} '${join(root, 'bin', 'millrace.js')}' "$@"`,
    npx: 'exec "$@"',
    // The packages are there.
    npm: '[ "$1" = install ] && exit; PATH=$(echo "$PATH" | cut -d: -f2-) exec npm "$@"',
  }
  mkdirSync(join(folder, 'node_modules', '.bin'))
  for (const [name, line] of Object.entries(commands)) {
    writeFileSync(join(folder, 'node_modules', '.bin', name), `#!/bin/sh\n${line}\n`, { mode: 0o755 })
  }
}

const env = {
  ...process.env,
  MILLRACE_PORT: 'none',
  PATH: [join(place, 'node_modules', '.bin'), dirname(process.execPath), process.env['PATH']].join(delimiter),
  NODE_OPTIONS: '--conditions=millrace-source',
  // Each command loads the whole source.
  NODE_COMPILE_CACHE: join(place, 'cache'),
  NODE_TEST_CONTEXT: undefined,
}

async function stageOf(page: string, folder: string): Promise<Stage> {
  const file = new URL(`./guides/${basename(page, '.md').toLowerCase()}.ts`, import.meta.url)
  if (!existsSync(file)) return { steps: {} }
  const { stage } = (await import(file.href)) as { stage(folder: string): Promise<Stage> }
  return await stage(folder)
}

suite('the blocks of the pages', { concurrency: 2 }, () => {
  for (const page of pages) {
    test(`blocks of ${page} run, and print what it says`, { timeout: 600_000 }, async (t) => {
      const steps = stepsOf(read(page))
      const folder = folderOf(page)
      mkdirSync(folder)
      const stage = await stageOf(page, folder)
      const surroundings = { folder, env: { ...env, ...stage.env } }
      const reading = new Reading(surroundings, stage)
      t.after(async () => {
        await reading.stop()
        await stage.stop?.()
      })
      for (const step of steps) {
        await reading.step(step).catch((error: Error) => {
          throw new Error(`line ${step.line} of ${page}: ${error.message}`, { cause: error })
        })
      }
      const named = reading.named()
      const tests = [...reading.files.keys()].filter((name) => name.endsWith('.test.ts') && !named.includes(name))
      assert.deepEqual(idleFiles(reading.files, [...named, ...tests]), [], 'nothing on the page runs these')
      if (tests.length === 0) return
      const { status, said } = await shell(`node --test ${tests.join(' ')}`, surroundings)
      assert.equal(status, 0, said)
    })
  }
})

test('the files of all pages fit the types', () => {
  const folder = join(place, 'types')
  for (const page of pages) {
    for (const step of stepsOf(read(page))) {
      if (step.kind === 'block' && step.language === 'ts' && step.way.is === 'run') {
        write(join(folder, basename(page, '.md')), fileIn(step.text))
      }
    }
  }
  const compilerOptions = { typeRoots: [join(root, 'node_modules/@types')] }
  const config = { extends: join(root, 'tsconfig.json'), compilerOptions, include: ['**/*.ts'], exclude: [] }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config))
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  const { status, stdout, stderr } = spawnSync(process.execPath, [tsc, '-p', '.'], { cwd: folder, encoding: 'utf8' })
  assert.equal(status, 0, stdout + stderr)
})

test('the way to the first event and to a test with a crash is short', () => {
  const page = read('docs/guides/getting-started.md')
  const [toEvent] = page.split('\n## A failure\n')
  const [toCrash] = page.split('\n## Run it in earnest\n')
  const words = (text: string) => text.split(/\s+/).filter((word) => /\w/.test(word)).length
  assert(words(toEvent!) <= 400, `${words(toEvent!)} words to the first event`)
  assert(words(toCrash!) <= 1_200, `${words(toCrash!)} words to a test with a crash`)
  const blocks = stepsOf(toEvent!).filter((step) => step.kind === 'block' && step.language === 'console') as Block[]
  const all = blocks.flatMap(({ language, text }) => commandsIn(language, text))
  const isShown = ({ command }: { readonly command: string }) => command.startsWith('cat ')
  const lines = all.filter(isShown).flatMap(({ says }) => says!.match(/.+/g) ?? [])
  assert(lines.length > 10 && lines.length <= 30, `${lines.length} lines of code`)
  assert.equal(all.filter((command) => !isShown(command)).length, 3)
})

test('where another test runs a block, that test reads the page', () => {
  for (const page of pages) {
    for (const step of stepsOf(read(page))) {
      if (step.kind !== 'block' || step.way.is !== 'run elsewhere') continue
      const { by } = step.way
      assert(existsSync(join(root, by)), `line ${step.line} of ${page}: there is no ${by}`)
      assert(read(by).includes(basename(page)), `line ${step.line} of ${page}: ${by} does not name the page`)
    }
  }
})

for (const [what, page, error] of [
  ['that says not what it is', '```\nnpm test\n```', /line 1: a block of code says what it is/],
  ['of a language that nobody runs', 'x\n\n```py\n1\n```', /line 3: .*"py"/],
  [
    'of text with a command',
    '```text\nnpx millrace start app.ts\n```',
    /line 1: "npx millrace start app.ts" is a command/,
  ],
  ['of TypeScript without the name of its file', '```ts\nconst a = 1\n```', /begins with the name of its file/],
  ['of a console without a command', '```console\nready\n```', /begins with "\$ "/],
  ['that does not end', '```sh\nls\n', /line 1: this block does not end/],
  ['that is marked from afar', '<!-- not run: why -->\n\n```sh\nls\n```', /directly above a block/],
] as const) {
  test(`a page fails that has a block ${what}`, () => {
    assert.throws(() => stepsOf(page), error)
  })
}

test('the reader of pages finds their blocks, their marks and the actions between them', () => {
  const page = `<!-- test: it rains -->
# A page
<!-- not run: it needs an umbrella -->
\`\`\`sh
go out
\`\`\`
<!-- test: the sun shines -->
<!-- test: runs on -->
\`\`\`console
$ sit \\
  down
ah
$ read
\`\`\`
<!-- test: test/a.test.ts runs this -->
\`\`\`ts
1
\`\`\`
<!-- test: what runs says -->
\`\`\`text
oh
\`\`\`
`
  const steps = stepsOf(page)
  assert.deepEqual(
    steps.map((step) => (step.kind === 'happens' ? [step.line, step.what] : [step.line, step.language, step.way])),
    [
      [1, 'it rains'],
      [4, 'sh', { is: 'not run', because: 'it needs an umbrella' }],
      [7, 'the sun shines'],
      [9, 'console', { is: 'run', status: 0, runsOn: { after: undefined } }],
      [16, 'ts', { is: 'run elsewhere', by: 'test/a.test.ts' }],
      [20, 'text', { is: 'said' }],
    ],
  )
  const { text } = steps[3] as Block
  assert.deepEqual(commandsIn('console', text), [
    { command: 'sit \\\n  down', says: 'ah\n' },
    { command: 'read', says: '' },
  ])
})

test('a file that no test and no command of its page needs is found', () => {
  const files = new Map([
    ['a.test.ts', "import { b } from './b.ts'"],
    ['b.ts', "export { c } from './c.ts'"],
    ['c.ts', ''],
    ['d.ts', "import './c.ts'"],
  ])
  assert.deepEqual(idleFiles(files, ['a.test.ts']), ['d.ts'])
})

test('parts that differ each time are not compared', () => {
  const said = '2026-11-24 23:53:39  took 12 ms\nkept 3 s\nmore\nend\n'
  assert(saysSo('process 12 has /tmp/a-b/shop.db\n', 'process 4 has /home/ada/shop.db\n'))
  assert(saysSo(said, '2026-01-01 00:00:00  took 1 ms\nkept 9 s\n…\nend\n'))
  assert(!saysSo(said, '2026-01-01 00:00:00  took 1 ms\nkept 9 h, or so\n…\nend\n'))
  assert(!saysSo(said, '2026-01-01 00:00:00  took 1 ms\n'))
  assert(saysSo(said, '2026-01-01 00:00:00  took 1 ms\n', 'begins'))
})
