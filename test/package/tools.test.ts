// Each tool of docs/guides/tools.md runs the packed package with the files and by the commands that the page shows.
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import test, { after, before, type TestContext } from 'node:test'
import { env, pack, projectWithTools, root } from '../support/packed.ts'

const guide = readFileSync(join(root, 'docs/guides/tools.md'), 'utf8')
let project = ''
let packed: ReturnType<typeof pack>

before(() => {
  packed = pack()
  project = projectWithTools(packed)
})
after(() => packed.remove())

/** A folder with the app of the page, and with what its sections show. */
function folderWith(...sections: string[]): string {
  const folder = mkdtempSync(join(packed.folder, 'user-'))
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }')
  symlinkSync(join(project, 'node_modules'), join(folder, 'node_modules'))
  for (const title of ['The app of the examples', ...sections]) {
    const section = guide.split('\n## ').find((text) => text.startsWith(`${title}\n`))
    assert(section !== undefined, `the page has the section "${title}"`)
    for (const [, name, code] of section.matchAll(/```ts\n\/\/ (\S+)\n([\s\S]*?)```/g)) {
      writeFileSync(join(folder, name!), code!)
    }
  }
  return folder
}

/** How a command of the table is run in a folder. */
function started(command: string, cwd: string) {
  assert(guide.includes(`\`${command}\``), `the page has "${command}"`)
  const path = `${join(cwd, 'node_modules/.bin')}${delimiter}${env.PATH}`
  return ['sh', ['-c', `exec ${command}`], { cwd, env: { ...env, PATH: path }, timeout: 120_000 }] as const
}

/** The output of a command of the table, which has to succeed. */
function outputOf(command: string, folder: string): string {
  const [sh, words, options] = started(command, folder)
  const { status, stdout, stderr } = spawnSync(sh, words, { ...options, encoding: 'utf8' })
  assert.equal(status, 0, stdout + stderr)
  return stdout + stderr
}

/** A command of the table that runs until it is ended; `says` waits until it has said something. */
function running(t: TestContext, command: string, folder: string) {
  const [sh, words, options] = started(command, folder)
  const child = spawn(sh, words, { ...options, stdio: 'pipe' })
  const ended = once(child, 'exit')
  t.after(async () => {
    child.kill('SIGTERM')
    await ended
  })
  let said = ''
  const heard = (data: Buffer) => {
    said += data
    child.emit('said')
  }
  child.stdout.on('data', heard)
  child.stderr.on('data', heard)
  const says = async (pattern: RegExp) => {
    while (!pattern.test(said)) {
      const [status] = await Promise.race([once(child, 'said'), ended])
      if (status !== undefined) assert.match(said, pattern)
    }
  }
  return { child, ended, says }
}

for (const command of ['node main.ts', 'tsx main.ts']) {
  test(`${command}: an app publishes, handles and stops`, async (t) => {
    const { child, ended, says } = running(t, command, folderWith('A program, and `--watch`'))
    await says(/cents: 5/)
    child.kill('SIGTERM')
    assert.deepEqual(await ended, [0, null])
  })
}

for (const command of ['node --watch main.ts', 'tsx watch main.ts']) {
  test(`${command}: after a change the next process takes over the file`, async (t) => {
    const folder = folderWith('A program, and `--watch`')
    const { says } = running(t, command, folder)
    await says(/cents: 5/)
    appendFileSync(join(folder, 'main.ts'), "console.log('changed')\n")
    await says(/cents: 10[\s\S]*changed/)
  })
}

for (const command of ['node --test', 'tsx --test']) {
  test(`${command}: the tests of a part and of an app pass`, () => {
    assert.match(outputOf(command, folderWith('`node:test` and tsx')), /pass 2\n/)
  })
}

test('vitest: the tests of an app pass', () => {
  assert.match(outputOf('vitest run', folderWith('vitest')), /Tests +2 passed/)
})

test('Jest: the tests of an app pass', () => {
  const folder = folderWith('vitest', 'Jest')
  const file = join(folder, 'bank.test.ts')
  writeFileSync(file, readFileSync(file, 'utf8').replace("'vitest'", "'@jest/globals'"))
  const output = outputOf('node --experimental-vm-modules node_modules/jest/bin/jest.js', folder)
  assert.match(output, /Tests: +2 passed/)
})

test('the page names the versions that were tested', () => {
  const versionOf = (name: string): string =>
    JSON.parse(readFileSync(join(project, 'node_modules', name, 'package.json'), 'utf8')).version
  for (const [row, ...names] of [
    ['tsx', 'tsx'],
    ['vitest', 'vitest'],
    ['Jest', 'jest'],
    ['TypeScript', 'typescript-5', 'typescript'],
    ['esbuild', 'esbuild'],
  ] as const) {
    const [, cell] = new RegExp(`^\\| ${row} \\| ([^|]*) \\|`, 'm').exec(guide)!
    const versions = cell!.split(', ')
    assert.equal(versions.length, names.length, row)
    names.forEach((name, at) => void assert(`${versionOf(name)}.`.startsWith(`${versions[at]}.`), `${row}: ${cell}`))
  }
})
