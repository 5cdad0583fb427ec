import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import test from 'node:test'
import { isMillraceError } from '../../model/errors.ts'
import { checkVersion, oldest } from './version.ts'

const root = new URL('../../../', import.meta.url)
const read = (path: string) => readFileSync(new URL(path, root), 'utf8')

test('an older Node.js is told which one is needed', () => {
  for (const version of ['18.20.8', '20.20.2', '22.21.0', '24.14.1', '23.99.0']) {
    assert.throws(
      () => checkVersion(version),
      (error) => {
        assert(isMillraceError(error, 'millrace/old-node'))
        assert(error.message.startsWith(`millrace needs Node.js 24.15 or later, this is ${version} (`))
        return true
      },
    )
  }
  for (const version of ['24.15.0', '24.21.0', '25.0.0', '26.0.0-nightly']) checkVersion(version)
})

test('the package, the command and the library ask for the same version', () => {
  assert.equal(JSON.parse(read('package.json')).engines.node, `>=${oldest}`)
  const [major, minor] = oldest.split('.')
  assert(read('bin/millrace.js').includes(`major < ${major} || (major === ${major} && minor < ${minor})`))
  assert(read('bin/millrace.js').includes(`millrace needs Node.js ${major}.${minor} or later`))
})

test('the version is looked at before anything that an older one does not have', () => {
  for (const entry of ['src/index.ts', 'src/testing/index.ts']) {
    const [first] = /^(?:import|export) [^;]*?'(.*)'$/m.exec(read(entry))!.slice(1)
    assert.match(first!, /\/adapters\/node\/version\.ts$/, entry)
  }
})

test('only threads import node:sqlite, which an older Node.js does not have', () => {
  const files = globSync('src/**/*.ts', { cwd: root }).filter((file) => !/(\.test|-thread)\.ts$/.test(file))
  assert(files.length > 100)
  const importing = files.filter((file) => /^import (?!type).*'node:sqlite'$/m.test(read(file)))
  assert.deepEqual(importing, [])
})
