import assert from 'node:assert/strict'
import { mkdtempDisposableSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { isMillraceError } from '../index.ts'
import { loadApp } from './load.ts'
import { errorObject, errorText } from './output.ts'

const files: Record<string, readonly [code: string, says: RegExp]> = {
  'throws an error': ["throw new Error('no luck')", /cannot be loaded: Error: no luck at /],
  'throws a string': ["throw 'no luck'", /cannot be loaded: no luck/],
  'throws null': ['throw null', /cannot be loaded: null/],
  'throws an object without a prototype': ['throw Object.create(null)', /cannot be loaded: a thrown value/],
  'throws an error whose message throws': [
    'throw Object.defineProperty(new Error(), "message", { get() { throw 1 } })',
    /cannot be loaded: (Error: )?(a thrown value|1)/,
  ],
  'throws an error whose message is no string': [
    'throw Object.assign(new Error("x"), { message: 1n })',
    /cannot be loaded: Error: 1/,
  ],
  'throws what cannot be looked at': [
    'const { proxy, revoke } = Proxy.revocable({}, {}); revoke(); throw proxy',
    /cannot be loaded: (TypeError: .*|a thrown value)/,
  ],
  'exports what cannot be looked at': [
    'export default new Proxy({}, { get() { throw new Error("hidden") } })',
    /exports as default is no app/,
  ],
  'starts its app': [
    `import { app, sqlite } from ${JSON.stringify(new URL('../index.ts', import.meta.url).href)}
const one = app({ name: 'a', broker: sqlite({ file: 'a.db' }), parts: [] })
export default one
await one.run()`,
    /app.mjs starts app "a" when it is loaded: let it `export default` the app, and start the app only `if \(import\.meta\.main\)`/,
  ],
  'exports nothing as default, and a getter that throws': [
    'export const other = Object.defineProperty({}, "start", { get() { throw 1 } })',
    /exports nothing as default/,
  ],
}

for (const [what, [code, says]] of Object.entries(files)) {
  test(`an app file that ${what} is no app, and why is said`, async () => {
    using folder = mkdtempDisposableSync(join(tmpdir(), 'millrace-load-'))
    const file = join(folder.path, 'app.mjs')
    writeFileSync(file, code)
    await assert.rejects(loadApp(file), (error) => {
      assert(isMillraceError(error, 'millrace/bad-app'))
      assert.match(error.message, says)
      return true
    })
  })
}

test('any failure of a command can be shown', () => {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  for (const value of [proxy, Object.create(null), null, undefined, Symbol('s'), 1n, new Error('x')]) {
    assert.equal(typeof errorText(value), 'string')
    assert.equal(typeof errorObject(value).message, 'string')
  }
})
