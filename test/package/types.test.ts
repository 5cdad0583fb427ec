// The types of the packed package, as TypeScript reads them in the projects of users: nothing of them is skipped.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import test, { after, before } from 'node:test'
import { env, pack, projectWithTools, root } from '../support/packed.ts'
import { everything, passedOn, wrong } from './programs.ts'

const compilers = { '5.9': 'typescript-5', newest: 'typescript' }
const modules = { nodenext: '--module nodenext', bundler: '--module esnext --moduleResolution bundler' }
const targets = ['es2022', 'es2023', 'es2024', 'esnext']

let project = ''
let packed: ReturnType<typeof pack>

before(() => {
  packed = pack()
  project = projectWithTools(packed)
  writeFileSync(join(project, 'all.ts'), everything)
})
after(() => packed.remove())

/** What a compiler says about a program: nothing when all is well. */
function complaints(compiler: string, words: string, folder = project): Promise<string> {
  const tsc = join(project, 'node_modules', compiler, 'bin/tsc')
  return new Promise((resolve) => {
    execFile(process.execPath, [tsc, ...words.split(' ')], { cwd: folder, env }, (_, said) => resolve(said))
  })
}

const strict = '--noEmit --strict --exactOptionalPropertyTypes --skipLibCheck false'

for (const [version, compiler] of Object.entries(compilers)) {
  for (const [resolution, module] of Object.entries(modules)) {
    test(`TypeScript ${version}, ${resolution}: no type is wrong with any target from es2022 to esnext`, async () => {
      const words = `${strict} --types node ${module} all.ts --target`
      const said = await Promise.all(targets.map((target) => complaints(compiler, `${words} ${target}`)))
      assert.deepEqual(said, ['', '', '', ''])
    })
  }

  test(`TypeScript ${version}: the options of docs/guides/tools.md fit its files`, async () => {
    const guide = readFileSync(join(root, 'docs/guides/tools.md'), 'utf8')
    const folder = join(project, `guide-${version}`)
    mkdirSync(folder)
    const [, options] = /```json\n([\s\S]*?)```/.exec(guide)!
    writeFileSync(join(folder, 'tsconfig.json'), options!)
    const files = [...guide.matchAll(/```ts\n\/\/ (\S+)\n([\s\S]*?)```/g)]
    assert.equal(files.length, 6)
    // Two of the files have one name: those of two test runners.
    files.forEach(
      ([, name, code], at) => void writeFileSync(join(folder, name!.replace('.test', `-${at}.test`)), code!),
    )
    assert.equal(await complaints(compiler, '--project .', folder), '')
  })

  test(`TypeScript ${version}: an option may be undefined, and a schema whose data are no plain JSON is wrong`, async () => {
    writeFileSync(join(project, 'passed-on.ts'), passedOn)
    writeFileSync(join(project, 'wrong.ts'), wrong)
    const words = `${strict} --types node --module nodenext --target es2022 passed-on.ts wrong.ts`
    const [first, ...others] = (await complaints(compiler, words)).split(/\n(?! )/)
    assert.match(first!, /^wrong\.ts.*message data must be plain JSON: no Date/s)
    assert.deepEqual(others, [''])
  })
}

test('without @types/node there are the types of millrace and of millrace/adapter', async () => {
  writeFileSync(join(project, 'bare.ts'), "export * from 'millrace'\nexport * as adapter from 'millrace/adapter'\n")
  assert.equal(await complaints('typescript', `${strict} --module nodenext --target es2022 bare.ts`), '')
})

test('a file of CommonJS has the types, with the modules nodenext and node20', async () => {
  writeFileSync(join(project, 'common.cts'), "import { event } from 'millrace'\nexport const made = event.name\n")
  for (const module of ['nodenext', 'node20']) {
    assert.equal(await complaints('typescript', `${strict} --module ${module} --target es2022 common.cts`), '')
  }
})

test('no types of others are in the declarations but those of Standard Schema', () => {
  const foreign = foreignTypes(join(project, 'node_modules/millrace/dist/index.d.ts'))
  assert.deepEqual(foreign, new Set(['@standard-schema/spec']))
})

/** The packages whose types can be reached from a declaration file. */
function foreignTypes(start: string): Set<string> {
  const foreign = new Set<string>()
  const seen = new Set<string>()
  const visit = (file: string) => {
    if (seen.has(file)) return
    seen.add(file)
    const text = readFileSync(file, 'utf8')
    assert.doesNotMatch(text, /\/\/\/ <reference/, file)
    for (const [, name] of text.matchAll(/(?:from|import|import\()\s*['"]([^'"]+)['"]/g)) {
      if (!name!.startsWith('.')) foreign.add(name!)
      else visit(join(dirname(file), name!.replace(/\.[jt]s$/, '.d.ts')))
    }
  }
  visit(start)
  assert(seen.size > 5)
  return foreign
}
