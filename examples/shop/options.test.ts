import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readOptions, sampleFile } from './options.ts'

function read(args: string, terminal = false) {
  const printed = { out: '', err: '' }
  const options = readOptions(args.split(' ').filter(Boolean), terminal, {
    writeOut: (text) => {
      printed.out += text
    },
    writeErr: (text) => {
      printed.err += text
    },
  })
  return { options, ...printed }
}

test('without options the sample is read into ./shop.db', () => {
  const { options } = read('')
  assert.deepEqual(options, { from: sampleFile, db: './shop.db', json: false, stay: false, approveAll: false })
})

test('all options are taken', () => {
  const { options } = read('--from a.csv --db b.db --json --stay --port 0 --rate 0.5 --pause-at 10 --approve-all')
  assert.deepEqual(options, {
    from: 'a.csv',
    db: 'b.db',
    json: true,
    stay: true,
    port: 0,
    rate: 0.5,
    pauseAt: 10,
    approveAll: true,
  })
})

test('the shop stays by itself only for the sample on a terminal', () => {
  const stays = (args: string, terminal: boolean) => (read(args, terminal).options as { stay: boolean }).stay
  assert.equal(stays('', true), true)
  assert.equal(stays('', false), false)
  assert.equal(stays('--from a.csv', true), false)
  assert.equal(stays('--from a.csv --stay', false), true)
})

test('help goes to standard output with status 0 and fits 80 columns', () => {
  const { options, out } = read('--help')
  assert.deepEqual(options, { status: 0 })
  for (const option of ['--from', '--db', '--json', '--stay', '--port', '--rate', '--pause-at', '--approve-all'])
    assert.ok(out.includes(option))
  assert.ok(out.split('\n').every((line) => line.length <= 80))
})

test('wrong options end with status 1 and say what is wrong', () => {
  const wrong: { [args: string]: RegExp } = {
    '--form a.csv': /unknown option '--form'\n\(Did you mean --from\?\)/,
    'a.csv': /too many arguments/,
    '--from': /argument missing/,
    '--port 70000': /'70000' is invalid\. Give an integer from 0 to 65535/,
    '--port http': /'http' is invalid/,
    '--rate 0': /'0' is invalid\. Give a number from 0\.001/,
    '--rate -1': /'-1' is invalid|argument missing/,
    '--pause-at 1.5': /'1\.5' is invalid\. Give an integer/,
  }
  for (const [args, words] of Object.entries(wrong)) {
    const { options, out, err } = read(args)
    assert.deepEqual(options, { status: 1 }, args)
    assert.match(err, words)
    assert.equal(out, '')
  }
})
