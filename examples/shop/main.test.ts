import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempDisposableSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { sampleFile } from './options.ts'
import { type Books, booksOf, type Reckoning, realDays, realFile, reckon, reckonBooks } from './reckoning.ts'

const program = fileURLToPath(new URL('./main.ts', import.meta.url))
/** No test waits for ever for a program that does not end. */
const hung = { timeout: 60_000, killSignal: 'SIGKILL' } as const

type Result = { status: number | null; signal: NodeJS.Signals | null; out: string; err: string }
type Running = {
  child: ChildProcess
  ended: Promise<Result>
  said: (words: string) => Promise<void>
  err: () => string
}

/** Starts the program; `said` waits for words on standard error. */
function start(...args: string[]): Running {
  const child = spawn(process.execPath, ['--conditions=millrace-source', program, ...args], hung)
  const result = { out: '', err: '' }
  child.stdout.on('data', (text) => {
    result.out += text
  })
  child.stderr.on('data', (text) => {
    result.err += text
  })
  const ended = new Promise<Result>((resolve) => {
    child.on('close', (status, signal) => resolve({ ...result, status, signal }))
  })
  const said = (words: string) =>
    new Promise<void>((resolve, reject) => {
      const look = () => result.err.includes(words) && resolve()
      child.stderr.on('data', look)
      look()
      ended.then(() => reject(new Error(`it ended without ${JSON.stringify(words)}, but with ${result.err}`)))
    })
  return { child, ended, said, err: () => result.err }
}

const run = (...args: string[]): Promise<Result> => start(...args).ended

/** A folder for the database and files of one test. */
function folderOf(t: TestContext) {
  const folder = mkdtempDisposableSync(join(tmpdir(), 'shop-'))
  t.after(() => folder.remove())
  const file = (name: string) => join(folder.path, name)
  return {
    db: file('shop.db'),
    write: (name: string, content: string) => {
      writeFileSync(file(name), content)
      return file(name)
    },
  }
}

/** The program ended well, and these are the figures on the last line of its output. */
function shows({ status, out, err }: Result, expected: Reckoning): void {
  assert.equal(status, 0, err)
  assert.deepEqual(JSON.parse(out.trimEnd().split('\n').at(-1)!), expected)
}

/** The books in the database come to what a second reckoning says. */
function booksAre(db: string, expected: Books): void {
  const store = new DatabaseSync(db, { readOnly: true })
  const books = booksOf((table) => store.prepare(`select * from ${table}`).all())
  store.close()
  assert.deepEqual(books, expected)
}

for (const [name, { read, shown, approved }] of Object.entries(realDays)) {
  test(`the figures of ${name} are right, and a second run adds nothing but approved invoices`, async (t) => {
    const from = realFile(name, t)
    if (!from) return
    const { db } = folderOf(t)
    const first = await run('--from', from, '--db', db, '--json')
    shows(first, shown)
    assert.ok(first.err.includes(`npx millrace flows questions --db ${db}; --approve-all`), first.err)
    assert.deepEqual(reckon(from), shown)
    booksAre(db, reckonBooks(from))
    const all = { ...shown, ...approved }
    const again = await run('--from', from, '--db', db, '--json', '--approve-all')
    shows(again, all)
    assert.match(again.err, new RegExp(`${read.invoices} invoices read, ${read.invoices} of them known`))
    assert.deepEqual(reckon(from, true), all)
    booksAre(db, reckonBooks(from, true))
  })
}

test('without --from it is the sample, with a table for people, and all books agree', async (t) => {
  const { db } = folderOf(t)
  const { status, out, err } = await run('--db', db)
  assert.equal(status, 0, err)
  const { invoices, cancellations } = reckon(sampleFile)
  assert.match(out, new RegExp(`^ {2}invoices +${invoices} {2}${cancellations} of them cancellations\n`))
  assert.ok(err.includes(`npx millrace desk list --db ${db}\n`), err)
  assert.doesNotMatch(err, /refused|warn|error/)
  shows(await run('--db', db, '--json'), reckon(sampleFile))

  const store = new DatabaseSync(db, { readOnly: true })
  const stock = store.prepare('select stock_code, units from stock order by 1').all()
  assert.deepEqual(
    stock,
    store.prepare('select stock_code, sum(quantity) as units from ledger group by 1 order by 1').all(),
  )
  const accounts = store.prepare('select customer_id, invoices, amount_micros from customers order by 1').all()
  const booked =
    store.prepare(`select customer_id, count(distinct invoice_no) as invoices, sum(amount_micros) as amount_micros
    from ledger where customer_id is not null group by 1 order by 1`)
  assert.deepEqual(accounts, booked.all())
  const kinds = store.prepare(
    `select group_concat(stock_code, ' ' order by stock_code) as codes from stock where kind = 'service'`,
  )
  assert.equal(kinds.get()!['codes'], 'BANK CHARGES C2 D DOT M POST')
  store.close()
})

test('a run that pauses is resumed by the next one', async (t) => {
  const { db } = folderOf(t)
  const paused = await run('--db', db, '--json', '--pause-at', '10')
  assert.equal(paused.status, 0, paused.err)
  assert.equal(JSON.parse(paused.out).invoices, 10)
  shows(await run('--db', db, '--json'), reckon(sampleFile))
})

test('after a kill at any moment, the next run resumes where it was', async (t) => {
  const { db } = folderOf(t)
  for (const ms of [150, 300, 450, 600, 750]) {
    const { child, ended } = start('--db', db, '--rate', '100', ...(ms < 500 ? [] : ['--approve-all']))
    await sleep(ms)
    child.kill('SIGKILL')
    await ended
  }
  shows(await run('--db', db, '--json', '--approve-all'), reckon(sampleFile, true))
  shows(await run('--db', db, '--json'), reckon(sampleFile, true))
  booksAre(db, reckonBooks(sampleFile, true))
})

test('Ctrl-C stops it cleanly, while it reads and while it stays', async (t) => {
  const { db } = folderOf(t)
  const staying = start('--db', db, '--json', '--stay')
  await staying.said('waiting for more')
  staying.child.kill('SIGINT')
  const { status, out } = await staying.ended
  assert.equal(status, 130)
  assert.equal(JSON.parse(out).invoices, reckon(sampleFile).invoices)

  const reading = start('--db', db, '--json', '--rate', '0.001', '--port', '0')
  await reading.said('invoices published')
  reading.child.kill('SIGINT')
  reading.child.kill('SIGINT')
  const stopped = await reading.ended
  assert.equal(stopped.status, 130)
  assert.equal(stopped.out, '')
})

test('while it stays it is served where it says, to those who have its token', async (t) => {
  const { db } = folderOf(t)
  const staying = start('--db', db, '--stay', '--port', '0')
  await staying.said('waiting for more')
  const [, url, tokenFile] = /served at (http:\/\/127\.0\.0\.1:\d+); its token is in (.+)/.exec(staying.err())!
  const lines = [{ lineNo: 1, stockCode: '85123A', description: 'a cup', quantity: 1, unitPrice: '1.50' }]
  const invoice = { invoiceNo: 'http-1', customerId: null, country: 'Norway', at: '2024-01-01T10:00:00Z', lines }
  const post = (authorization: string) =>
    fetch(`${url}/events/invoices?type=invoice.received`, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json' },
      body: JSON.stringify(invoice),
    })
  assert.equal((await post('')).status, 401)
  const authorization = `Bearer ${readFileSync(tokenFile!, 'utf8').trim()}`
  const answer = await post(authorization)
  assert.equal(answer.status, 202, await answer.text())
  const found = await fetch(`${url}/api/messages?destination=invoices&context=http-1`, { headers: { authorization } })
  const { items } = (await found.json()) as { items: { type: string }[] }
  assert.equal(items.at(-1)?.type, 'invoice.received')
  staying.child.kill('SIGTERM')
  assert.equal((await staying.ended).status, 143)
})

test('SIGTERM stops it cleanly too', async (t) => {
  const { db } = folderOf(t)
  const staying = start('--db', db, '--stay')
  await staying.said('waiting for more')
  staying.child.kill('SIGTERM')
  assert.equal((await staying.ended).status, 143)
})

test('a fault in the file is told with its line; the lines before it stay, and the corrected file continues', async (t) => {
  const { db, write } = folderOf(t)
  const lines = readFileSync(sampleFile, 'utf8').split('\n')
  const index = lines.findIndex((line) => line.startsWith('704970,'))
  const faulty = write('faulty.csv', lines.with(index, lines[index]!.replace(/,\d+,2024/, ',many,2024')).join('\n'))
  const { status, out, err } = await run('--from', faulty, '--db', db, '--json')
  assert.equal(status, 1)
  assert.equal(
    err.trimEnd().split('\n').at(-1),
    `${faulty}:${index + 1}: Quantity "many" is no integer; write it as 6 or -6`,
  )
  assert.equal(JSON.parse(out).invoices, 10)
  shows(await run('--from', sampleFile, '--db', db, '--json'), reckon(sampleFile))
})

test('an invoice that was published with other data is named', async (t) => {
  const { db, write } = folderOf(t)
  await run('--db', db)
  const changed = write(
    'changed.csv',
    readFileSync(sampleFile, 'utf8').replace('704960,52118,GIFT TAGS KRAFT,36', '704960,52118,GIFT TAGS KRAFT,35'),
  )
  const { status, err } = await run('--from', changed, '--db', db)
  assert.equal(status, 1)
  assert.match(err, /changed\.csv: invoice 704960 was not taken: /)
})

test('a file that is not there ends with status 1, before any database is made', async (t) => {
  const { db } = folderOf(t)
  const { status, out, err } = await run('--from', 'nowhere.csv', '--db', db, '--json')
  assert.equal(status, 1)
  assert.equal(out, '')
  assert.equal(err, 'nowhere.csv: there is no such file; check the path\n')
  assert.equal(existsSync(db), false)
})

test('a database that cannot be opened ends with status 1 and what to do, without a stack', async (t) => {
  const { write } = folderOf(t)
  const db = write('notes.txt', 'These are notes, and no database.\n'.repeat(100))
  const { status, out, err } = await run('--db', db)
  assert.equal(status, 1)
  assert.equal(out, '')
  assert.doesNotMatch(err, /\n +at /)
  assert.equal(readFileSync(db, 'utf8'), 'These are notes, and no database.\n'.repeat(100))
})

test('wrong options end with status 1, help with status 0', async () => {
  const wrong = await run('--form', 'a.csv')
  assert.equal(wrong.status, 1)
  assert.match(wrong.err, /Did you mean --from\?/)
  assert.equal((await run('--help')).status, 0)
})
