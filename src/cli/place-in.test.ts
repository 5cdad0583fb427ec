import assert from 'node:assert/strict'
import test from 'node:test'
import { placeIn } from './place-in.ts'

test('the place is where the syntax is wrong, else the nearest call in the user’s own code', () => {
  const own = new URL('./main.ts', import.meta.url).href
  const calls = [
    'Error: no',
    '    at file:///shop/node_modules/zod/index.js:1:2',
    `    at main (${own}:3:4)`,
    '    at Object.handle (file:///my%20shop/stock.ts:18:38)',
    '    at file:///my%20shop/app.ts:1:1',
  ]
  assert.equal(placeIn(calls.join('\n')), '/my shop/stock.ts:18')
  assert.equal(placeIn(calls.slice(0, 3).join('\n')), undefined)
  assert.equal(
    placeIn('/shop/app.ts:2\nconst x = ;\n          ^\n\nSyntaxError: Expression expected'),
    '/shop/app.ts:2',
  )
  assert.equal(placeIn(''), undefined)
})
