import assert from 'node:assert/strict'
import { join } from 'node:path'
import test from 'node:test'
import { appFile, begin, folder, linesOf, millrace, objectsOf } from '../cli/support/millrace.ts'

test('start serves the app, says where, and ends with 143 on SIGTERM', async (t) => {
  const app = begin(t, ['start', appFile, '--db', join(folder(t), 'mill.db'), '--port', '0'])
  await app.says('ready')
  app.process.kill('SIGTERM')
  const { out } = await app.done
  assert.match(out, /^ {2}http +http:\/\/127\.0\.0\.1:\d+$/m)
})

test('the JSON that start and dev print has the address, which answers', async (t) => {
  for (const name of ['start', 'dev']) {
    const env = { MILLRACE_PORT: '0' }
    const app = begin(t, [name, '--json', appFile, '--db', join(folder(t), 'mill.db')], { env })
    await app.says(/"http".*\n/)
    const said = objectsOf(app.lines().join('\n')).find((one) => 'http' in one) as { http: string }
    assert.equal((await fetch(`${said.http}/ready`)).status, 204)
    app.process.kill('SIGTERM')
    assert.equal((await app.done).status, 143)
    await assert.rejects(fetch(said.http), { message: 'fetch failed' })
  }
})

test('a start whose port is taken ends with 1 and names the port', async (t) => {
  const first = begin(t, ['start', '--json', appFile, '--db', join(folder(t), 'mill.db'), '--port', '0'])
  await first.says(/"http".*\n/)
  const [{ http }] = objectsOf(first.lines().join('\n')) as [{ http: string }]
  const { port } = new URL(http)
  const { status, err } = await millrace(['start', appFile, '--db', join(folder(t), 'mill.db'), '--port', port])
  assert.equal(status, 1)
  assert.match(err, new RegExp(`another program has port ${port} of 127\\.0\\.0\\.1`))
  assert.match(err, /millrace\/port-in-use/)
})

test('without HTTP it says nothing of it, and a wrong port is told', async (t) => {
  const file = join(folder(t), 'mill.db')
  const app = begin(t, ['start', appFile, '--db', file, '--no-http'], { env: { MILLRACE_PORT: '' } })
  await app.says('ready')
  app.process.kill('SIGTERM')
  const { out } = await app.done
  assert.deepEqual(
    linesOf(out).filter((line) => line.includes('http')),
    [],
  )
  const wrong = await millrace(['start', appFile, '--db', file], { env: { MILLRACE_PORT: 'http' } })
  assert.deepEqual([wrong.status, wrong.out], [2, ''])
  assert.match(wrong.err, /MILLRACE_PORT is "http", but must be a whole number from 0 to 65535/)
})
