import assert from 'node:assert/strict'
import test from 'node:test'
import { type FileType, fileOf, fileTypeIn } from './list-files.ts'

const pageOf = (rows: readonly Readonly<{ id: number }>[]) => ({ rows, next: rows.at(-1)?.id ?? null })

/** A list of numbered rows, read by pages. */
function listOf(count: number, asked: unknown[] = []) {
  const rows = Array.from({ length: count }, (_, n) => ({ id: n + 1, text: `row ${n + 1}` }))
  return async (query: Readonly<Record<string, unknown>>) => {
    asked.push(query)
    const { after = 0, limit } = query as { after?: number; limit: number }
    return pageOf(rows.filter(({ id }) => id > after).slice(0, limit))
  }
}

const file = (type: FileType, page: ReturnType<typeof listOf>, query: Readonly<Record<string, unknown>> = {}) =>
  fileOf({
    ...{ type, page, query, cursor: 'after', hide: (rows) => rows, signal: new AbortController().signal },
    url: 'http://shop.example/edge/api/desk?state=held',
  })

test('a file has all pages, and says nothing of an end that is the end of the list', async () => {
  const asked: unknown[] = []
  const { headers, body } = await file('application/x-ndjson', listOf(450, asked))
  const rows = (body as string).trimEnd().split('\n')
  assert.deepEqual([rows.length, rows.at(-1)], [450, '{"id":450,"text":"row 450"}'])
  assert.deepEqual(headers, { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' })
  assert.deepEqual(asked, [
    { limit: 200 },
    { limit: 200, after: 200 },
    { limit: 200, after: 400 },
    { limit: 200, after: 450 },
  ])
})

test('a file that ends before its list says so in its last line, and where the rest is', async () => {
  const lines = await file('application/x-ndjson', listOf(5), { limit: 2 })
  assert.equal(lines.body, '{"id":1,"text":"row 1"}\n{"id":2,"text":"row 2"}\n{"truncated":true,"rows":2,"next":2}\n')
  assert.equal(lines.headers!['link'], '</edge/api/desk?state=held&after=2>; rel="next"')
  const table = await file('text/csv', listOf(5), { limit: 2 })
  assert.equal(table.body, 'id,text\r\n1,row 1\r\n2,row 2\r\ntruncated after 2 rows: after=2\r\n')
  assert.equal((await file('text/csv', listOf(2), { limit: 2 })).body, 'id,text\r\n1,row 1\r\n2,row 2\r\n')
  assert.equal((await file('text/csv', listOf(20_000))).body!.toString().split('\r\n').length, 10_003)
})

test('a cell of CSV is quoted where it must be, and no text is a formula', async () => {
  const rows = [
    { id: 1, a: 'x,"y"\n', b: null, c: { d: [1, 'ü'] } },
    { id: 2, a: '=1+1', b: true, e: '-5', f: -5 },
  ]
  const page = async ({ after = 0 }: { after?: number }) => pageOf(rows.filter(({ id }) => id > after))
  assert.equal(
    (await file('text/csv', page as never)).body,
    'id,a,b,c,e,f\r\n1,"x,""y""\n",,"{""d"":[1,""ü""]}",,\r\n2,\'=1+1,true,,\'-5,-5\r\n',
  )
  assert.equal((await file('text/csv', listOf(0))).body, '')
})

test('a file is given where it is accepted by name', () => {
  assert.equal(fileTypeIn('text/csv'), 'text/csv')
  assert.equal(fileTypeIn('application/x-ndjson, */*;q=0.1'), 'application/x-ndjson')
  for (const accept of [null, '*/*', 'text/html,application/xml', 'application/json']) {
    assert.equal(fileTypeIn(accept), undefined)
  }
})
