// The documents of AsyncAPI, judged by the parser of its authors. It comes with many packages, so it is installed here only.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { after, before } from 'node:test'
import shop from '../../examples/shop/app.ts'
import { asyncApiOf } from '../../src/describe/asyncapi.ts'
import { oddApps } from '../describe/odd-apps.ts'

const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('npm_')))
const folder = mkdtempSync(join(tmpdir(), 'asyncapi-'))

interface Finding {
  readonly severity: number
  readonly message: string
  readonly path: readonly (string | number)[]
}

interface Judge {
  validate(document: string): Promise<readonly Finding[]>
}

let judge: Judge

before(() => {
  writeFileSync(join(folder, 'package.json'), '{ "private": true }')
  const switches = ['--ignore-scripts', '--no-audit', '--no-fund', '--silent']
  execFileSync('npm', ['install', ...switches, '@asyncapi/parser@3.6.6'], { cwd: folder, env })
  const { Parser } = createRequire(join(folder, 'index.js'))('@asyncapi/parser') as { Parser: new () => Judge }
  judge = new Parser()
})
after(() => rmSync(folder, { recursive: true, force: true }))

/** What the parser calls an error, with its place. */
async function errorsIn(document: unknown): Promise<string[]> {
  const findings = await judge.validate(JSON.stringify(document))
  return findings.filter(({ severity }) => severity === 0).map(({ message, path }) => `${path.join('/')}: ${message}`)
}

for (const [name, app] of Object.entries({ shop, ...oddApps })) {
  test(`the parser of AsyncAPI has no error to tell of the document of ${name}`, async () => {
    assert.deepEqual(await errorsIn(asyncApiOf(app).document), [])
  })
}

test('the parser finds an error where there is one', async () => {
  const { document } = asyncApiOf(shop)
  assert.notDeepEqual(await errorsIn({ ...document, channels: [] }), [])
})
