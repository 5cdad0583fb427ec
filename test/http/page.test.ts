// The page of the dashboard, as a server gives it. test/browser/ has what it does.
import assert from 'node:assert/strict'
import test from 'node:test'
import { brotliDecompressSync } from 'node:zlib'
import { gateway } from 'millrace/http'
import { dashboardFiles } from '../../tools/dashboard.ts'
import { place } from '../support.ts'
import { served, shopOn } from './shop.ts'

/** Without what `fetch` does about compression: the bytes as they are sent. */
async function raw(url: string, headers: Record<string, string> = {}, method = 'GET') {
  const { request } = await import('node:http')
  return new Promise<{ status: number; headers: Record<string, unknown>; body: Buffer }>((resolve, reject) => {
    const asking = request(url, { headers, method }, async (answer) => {
      const parts: Buffer[] = []
      for await (const part of answer) parts.push(part)
      const body = Buffer.concat(parts)
      resolve({ status: answer.statusCode!, headers: answer.headers, body })
    })
    asking.on('error', reject)
    asking.end()
  })
}

test('each address of a page has the same document, which names its files by the way up and takes no foreign script', async (t) => {
  const { url } = await served(t)
  for (const [path, up] of [
    ['/', './assets/'],
    ['/desk', './assets/'],
    ['/desk/g/12?x=1', '../../assets/'],
    ['/system/audit', '../assets/'],
  ] as const) {
    const { status, headers, body } = await raw(url + path)
    assert.equal(status, 200, path)
    const text = body.toString()
    for (const ending of ['js', 'css'])
      assert.match(text, new RegExp(`"${up.replaceAll('.', '\\.')}main-\\w+\\.${ending}"`), path)
    assert(!/<script>|<style|style=| on\w+=/.test(text), text)
    const policy = String(headers['content-security-policy'])
    for (const part of [
      "default-src 'none'",
      "script-src 'self'",
      "require-trusted-types-for 'script'",
      "frame-ancestors 'none'",
    ]) {
      assert(policy.includes(part), part)
    }
    assert(!policy.includes('unsafe'), policy)
    assert.deepEqual(
      [headers['x-content-type-options'], headers['referrer-policy'], headers['cache-control']],
      ['nosniff', 'no-referrer', 'no-cache'],
    )
    const again = await raw(url + path, { 'if-none-match': String(headers['etag']) })
    assert.deepEqual([again.status, again.body.length], [304, 0])
  }
})

test('its files are compressed before any request, kept by browsers for a year, and the same in any coding', async (t) => {
  const { url } = await served(t)
  const [, script] = /"\.\/(assets\/main-\w+\.js)"/.exec((await raw(url)).body.toString())!
  const plain = await raw(`${url}/${script}`)
  const br = await raw(`${url}/${script}`, { 'accept-encoding': 'gzip, br' })
  const none = await raw(`${url}/${script}`, { 'accept-encoding': 'br;q=0' })
  const head = await raw(`${url}/${script}`, { 'accept-encoding': 'br' }, 'HEAD')
  assert.deepEqual([br.headers['content-encoding'], none.headers['content-encoding']], ['br', undefined])
  assert(brotliDecompressSync(br.body).equals(plain.body))
  assert.match(String(br.headers['cache-control']), /max-age=31536000, immutable/)
  assert.deepEqual([br.headers['vary'], br.headers['x-content-type-options']], ['accept-encoding', 'nosniff'])
  assert.deepEqual([head.status, head.body.length], [200, 0])
  assert.equal((await raw(`${url}/${script}`, { 'if-none-match': `"x", ${String(br.headers['etag'])}` })).status, 304)
})

test('there is no page at other paths, by other methods, and on a gateway in another server', async (t) => {
  const { url } = await served(t)
  for (const path of ['/assets/none.js', '/assets/../index.html', '/index.html', '/deskx', '/assets/', '/toString']) {
    assert.equal((await raw(url + path)).status, 404, path)
  }
  assert.equal((await raw(`${url}/desk`, {}, 'POST')).status, 404)
  const mounted = gateway(shopOn({ file: place(t) }), { access: () => undefined })
  assert.equal((await mounted(new Request('http://localhost/'))).status, 404)
})

test('the files a browser loads are small: below 70 KB compressed at first, below 150 KB in all', async () => {
  const files = await dashboardFiles()
  const sizeOf = (names: readonly string[]) => names.reduce((sum, name) => sum + files.get(`${name}.gz`)!.length, 0)
  const names = [...files.keys()].filter((name) => /\.(js|css|html)$/.test(name))
  const entry = names.filter((name) => name === 'index.html' || name.startsWith('assets/main-'))
  assert.equal(entry.length, 3)
  assert(sizeOf(entry) < 70_000, `${sizeOf(entry)} bytes at first`)
  assert(sizeOf(names) < 150_000, `${sizeOf(names)} bytes in all`)
  assert.match(Buffer.from(files.get('assets/licenses.txt')!).toString(), /preact\n\nThe MIT License/)
})

test('a token signs a browser in as a code does, any number of times; another text does not', async (t) => {
  const { shop, ask } = await served(t)
  const own = await shop.serve({ port: 0 })
  const begin = (code: string) =>
    fetch(`${own.url}/api/session`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'sec-fetch-site': 'same-origin' },
      body: JSON.stringify({ code }),
    })
  const [, code] = /#code=(.+)/.exec(own.link())!
  assert.deepEqual(
    [
      await begin(own.token!),
      await begin(own.token!),
      await begin(code!),
      await begin(code!),
      await begin('mrt_x'),
    ].map(({ status }) => status),
    [200, 200, 200, 401, 401],
  )
  assert.equal((await ask('GET /api/me')).status, 200)
})
