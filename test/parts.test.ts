// Each test file belongs to one part: `npm test`, or one of the three that need more. `.ci/run` runs all. Most files of
// `npm test` share a process with others.
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import test from 'node:test'
import { fileURLToPath } from 'node:url'
import { filesOf as filesTogether, groups } from './together/groups.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const read = (file: string) => readFileSync(new URL(`../${file}`, import.meta.url), 'utf8')
const parts = ['test', 'test:deep', 'test:package', 'test:browser']
const places = '{src,test,examples,bench,tools}'
const foreign = (file: string) => file.split('/').includes('node_modules')

/** The part of a test file, by its name. */
function partOf(file: string): string {
  if (file.startsWith('test/package/')) return 'test:package'
  if (file.startsWith('test/browser/')) return 'test:browser'
  return file.endsWith('.deep.test.ts') ? 'test:deep' : 'test'
}

const groupOf = (file: string) => /^test\/together\/(\w+)\.test\.ts$/.exec(file)?.[1]

/** The files that a script of package.json gives to Node's test runner, by themselves or in a group. */
function filesOf(part: string): string[] {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
  const [, patterns] = /(?:^|[ ])node .*--test .*?('.*)$/.exec(scripts[part]!) ?? []
  assert(patterns !== undefined, `the script "${part}" ends in patterns in quotes`)
  return [...patterns.matchAll(/'([^']+)'/g)]
    .flatMap(([, pattern]) => globSync(pattern!, { cwd: root }))
    .filter((file) => !foreign(file))
    .flatMap((file) => {
      const group = groupOf(file)
      return group === undefined ? file : filesTogether(group)
    })
}

test('each test file belongs to the part that its name says, and to no other', () => {
  const all = globSync(`${places}/**/*.test.ts`, { cwd: root }).filter(
    (file) => !foreign(file) && groupOf(file) === undefined,
  )
  assert(all.length > 100)
  const should = new Map(parts.map((part) => [part, all.filter((file) => partOf(file) === part).sort()]))
  for (const part of parts) assert.deepEqual(filesOf(part).sort(), should.get(part), `npm run ${part}`)
})

test('each group of files that share a process has the file that loads them', () => {
  const names = globSync('test/together/*.test.ts', { cwd: root }).map(groupOf)
  assert.deepEqual(names.sort(), Object.keys(groups).sort())
  for (const group of Object.keys(groups)) {
    assert(read(`test/together/${group}.test.ts`).includes(`together('${group}')`), group)
  }
})

test('a file that calls Node’s test runner is named as a test file', () => {
  const others = globSync(`${places}/**/*.{ts,js}`, { cwd: root }).filter((file) => !/\.test\.ts$/.test(file))
  // It writes test files: its text has the line of one.
  const writes = 'src/operate/test-file.ts'
  const called = others.filter(
    (file) => !foreign(file) && file !== writes && /^import test\b.* from 'node:test'/m.test(read(file)),
  )
  assert.deepEqual(called, [])
})

test('each part is called by the script of CI and named in the README', () => {
  for (const part of parts) {
    const command = part === 'test' ? 'npm test' : `npm run ${part}`
    assert(read('.ci/run').includes(`'${command}'`), `.ci/run calls "${command}"`)
    assert(read('README.md').includes(command), `the README names "${command}"`)
  }
})
