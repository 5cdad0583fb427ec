import assert from 'node:assert/strict'
import { chmodSync, mkdtempDisposableSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { checkReadable, InvoiceFileError } from './csv.ts'
import { readInvoices } from './invoices.ts'
import type { Invoice } from './messages.ts'
import { formatMoney, lineAmount } from './money.ts'
import { everything, type Figures, realDays, realFile } from './reckoning.ts'

const header = 'InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country'
const good = '1,10001,MUG,6,2010-12-01 08:26:00,2.55,17850.0,France'

async function readFile(file: string): Promise<{ invoices: Invoice[]; error: unknown }> {
  const invoices: Invoice[] = []
  try {
    for await (const invoice of readInvoices(file)) invoices.push(invoice)
    return { invoices, error: undefined }
  } catch (error) {
    return { invoices, error }
  }
}

async function read(content: string | Uint8Array): Promise<{ invoices: Invoice[]; error: unknown; file: string }> {
  using folder = mkdtempDisposableSync(join(tmpdir(), 'shop-'))
  const file = join(folder.path, 'day.csv')
  writeFileSync(file, content)
  return { ...(await readFile(file)), file }
}

/** The file is refused at this line with these words, after these invoices. */
async function refuses(content: string, line: number, words: RegExp, before: string[] = []): Promise<void> {
  const { invoices, error, file } = await read(content)
  assert.ok(error instanceof InvoiceFileError, `no error for ${JSON.stringify(content)}`)
  assert.equal(error.line, line)
  assert.ok(error.message.startsWith(`${file}:${line}: `), error.message)
  assert.match(error.message, words)
  assert.deepEqual(
    invoices.map((invoice) => invoice.invoiceNo),
    before,
  )
}

function figures(invoices: Invoice[]): Figures {
  const lines = invoices.flatMap((invoice) => invoice.lines)
  return {
    invoices: invoices.length,
    cancellations: invoices.filter(({ invoiceNo }) => invoiceNo.startsWith('C')).length,
    lines: lines.length,
    units: lines.reduce((sum, line) => sum + line.quantity, 0),
    goods: new Set(lines.map((line) => line.stockCode).filter((code) => /^\d{5}/.test(code))).size,
    customers: new Set(invoices.map((invoice) => invoice.customerId).filter((id) => id !== null)).size,
    money: formatMoney(lines.reduce((sum, line) => sum + lineAmount(line), 0n)),
  }
}

for (const [name, { read }] of Object.entries(realDays)) {
  test(`the real invoices of ${name} are read to the last line`, async (t) => {
    const file = realFile(name, t)
    if (!file) return
    const { invoices, error } = await readFile(file)
    assert.equal(error, undefined)
    assert.deepEqual(figures(invoices), read)
    assert.deepEqual(everything(file), read)
  })
}

test('the lines of one invoice come together, numbered from 1, with the values as written', async () => {
  const { invoices, error } = await read(`${header}
536365,85123A,"HOLDER, ""HEART""",6,2010-12-01 08:26:00,2.550,17850.0,United Kingdom
536365,85123a, LANTERN ,-1,2010-12-01 08:27:00,-0.001,17850.0,France
C536366,POST,,0,2010-12-31 23:59:59,0,,EIRE`)
  assert.equal(error, undefined)
  assert.deepEqual(invoices, [
    {
      invoiceNo: '536365',
      customerId: '17850',
      country: 'United Kingdom',
      at: '2010-12-01T08:26:00.000Z',
      lines: [
        { lineNo: 1, stockCode: '85123A', description: 'HOLDER, "HEART"', quantity: 6, unitPrice: '2.550' },
        { lineNo: 2, stockCode: '85123a', description: ' LANTERN ', quantity: -1, unitPrice: '-0.001' },
      ],
    },
    {
      invoiceNo: 'C536366',
      customerId: null,
      country: 'EIRE',
      at: '2010-12-31T23:59:59.000Z',
      lines: [{ lineNo: 1, stockCode: 'POST', description: '', quantity: 0, unitPrice: '0' }],
    },
  ])
})

test('columns are found by name, in any order, among others', async () => {
  const { invoices, error } = await read(
    'Note,Country,CustomerID,UnitPrice,InvoiceDate,Quantity,Description,StockCode,InvoiceNo\nhello,France,17850,2.5,2010-12-01 08:26:00,3,MUG,10001,7\n',
  )
  assert.equal(error, undefined)
  assert.equal(invoices[0]?.customerId, '17850')
  assert.equal(invoices[0]?.lines[0]?.unitPrice, '2.5')
})

test('a byte order mark, CRLF, empty lines and a missing last line end make no difference', async () => {
  const expected = (await read(`${header}\n${good}\n`)).invoices
  assert.equal(expected.length, 1)
  for (const content of [
    `\uFEFF${header}\n${good}`,
    `${header}\r\n${good}\r\n`,
    `${header}\r${good}`,
    `${header}\n${good}\r\n`,
    `\n\r\n${header}\n\n   \n${good}\n\n\n`,
  ]) {
    const { invoices, error } = await read(content)
    assert.equal(error, undefined)
    assert.deepEqual(invoices, expected)
  }
})

test('a header without lines is a day without invoices', async () => {
  assert.deepEqual((await read(`${header}\n`)).invoices, [])
  assert.equal((await read(`${header}\n`)).error, undefined)
})

test('text that is no UTF-8 does not stop the reader', async () => {
  const { invoices, error } = await read(Buffer.from(`${header}\n${good.replace('MUG', 'CAF\xC9')}\n`, 'latin1'))
  assert.equal(error, undefined)
  assert.equal(invoices[0]?.lines[0]?.description, 'CAF\uFFFD')
})

test('an empty file is refused', async () => {
  await refuses('', 1, /the file is empty; its first line has to name InvoiceNo, StockCode/)
  await refuses('\n\n', 1, /the file is empty/)
  await refuses('\uFEFF', 1, /the file is empty/)
})

test('missing columns are listed', async () => {
  await refuses(
    'InvoiceNo,StockCode,Description,InvoiceDate,UnitPrice,Country\n',
    1,
    /missing from the header: Quantity, CustomerID;/,
  )
  await refuses(`\n\n${header.replaceAll(',', ';')}\n`, 3, /missing from the header: InvoiceNo, .*separated by commas/)
  await refuses(`${good}\n`, 1, /missing from the header/)
})

test('a column that stands twice is refused', async () => {
  await refuses(`${header},Quantity\n${good},1\n`, 1, /the column Quantity stands twice/)
})

test('a line with too few or too many fields is refused', async () => {
  await refuses(`${header}\n${good}\n2,10001,MUG,6\n`, 3, /4 fields where the header has 8; put a field/)
  await refuses(
    `${header}\n2,10001,MUG, BLUE,6,2010-12-01 08:26:00,2.55,,France\n`,
    2,
    /9 fields where the header has 8/,
  )
  await refuses(`${header}\nTotal\n`, 2, /1 field where/)
})

test('each wrong cell is named with its value and what to do', async () => {
  const wrong = async (cell: string, value: string, words: RegExp) =>
    refuses(`${header}\n${good}\n${good.replace('1,', '2,').replace(cell, value)}\n`, 3, words, ['1'])
  await wrong('2.55', 'free', /UnitPrice cannot be taken: "free" is no decimal number such as 2.55; correct it/)
  await wrong('2.55', '', /UnitPrice cannot be taken: "" is no decimal/)
  await wrong('2.55', '1.2345678', /UnitPrice cannot be taken: "1.2345678" has more than 6 decimals/)
  await wrong(',6,', ',six,', /Quantity "six" is no integer; write it as 6 or -6/)
  await wrong(',6,', ',6.5,', /Quantity "6.5" is no integer/)
  await wrong(',6,', ',,', /Quantity "" is no integer/)
  await wrong(',6,', ',3000000000,', /Quantity 3000000000 is out of bounds; at most 2147483647/)
  await wrong('2010-12-01 08:26:00', '12/1/2010 8:26', /InvoiceDate "12\/1\/2010 8:26" is no date; write it as/)
  await wrong('2010-12-01 08:26:00', '2010-02-30 08:26:00', /InvoiceDate "2010-02-30 08:26:00" is no date/)
  await wrong('2010-12-01 08:26:00', '2010-12-01 24:00:00', /InvoiceDate "2010-12-01 24:00:00" is no date/)
  await wrong('2010-12-01 08:26:00', '', /InvoiceDate "" is no date/)
  await wrong('17850.0', 'nobody', /CustomerID "nobody" is no number; write it as 17850.0 or leave it empty/)
  await wrong('10001', ' ', /StockCode is empty; give the code/)
})

test('an invoice without a number is refused', async () => {
  await refuses(`${header}\n${good}\n${good.replace('1,', ',')}\n`, 3, /InvoiceNo is empty; give the number/, ['1'])
  await refuses(`${header}\n,,,,,,,\n`, 2, /InvoiceNo is empty/)
})

test('an invoice that comes again apart from its lines is refused', async () => {
  const [one, two] = [good, good.replace('1,', '2,')]
  await refuses([header, one, one, two, one].join('\n'), 5, /InvoiceNo 1 comes again after other invoices; put all/, [
    '1',
    '2',
  ])
})

test('an invoice with two customers is refused, one with two dates or countries takes the first', async () => {
  await refuses(
    `${header}\n${good}\n${good.replace('17850.0', '17851.0')}`,
    3,
    /CustomerID is 17851, but 17850 on the first line of invoice 1/,
  )
  await refuses(`${header}\n${good}\n${good.replace('17850.0', '')}`, 3, /CustomerID is empty, but 17850/)
  const { invoices } = await read(`${header}\n${good}\n${good.replace('08:26', '08:27').replace('France', 'EIRE')}`)
  assert.deepEqual([invoices[0]?.at, invoices[0]?.country], ['2010-12-01T08:26:00.000Z', 'France'])
})

test('bad quotes are refused at the line where their record begins', async () => {
  const two = good.replace('1,', '2,')
  await refuses(`${header}\n${good}\n${two.replace('MUG', '"MUG')}\n${good}\n`, 3, /is never closed; close it/)
  await refuses(
    `${header}\n${good}\n${two.replace('MUG', '"MUG')}\n${good.replace('MUG', '"MUG"')}\n`,
    3,
    /text follows the closing quote/,
  )
  await refuses(
    `${header}\n${good}\n${two.replace('MUG', 'MUG 7" HIGH')}\n`,
    3,
    /a quote stands in the middle of an unquoted field/,
  )
})

test('a quote that is never closed does not swallow a large file', async () => {
  const lines = Array.from({ length: 5_000 }, (_, n) => good.replace('1,', `${n + 2},`))
  await refuses(
    [header, good.replace('MUG', '"MUG'), ...lines].join('\n'),
    2,
    /this record is longer than 100000 bytes; look for a quote/,
  )
})

test('lines are counted as an editor shows them, line ends in quotes and empty lines included', async () => {
  const long = good.replace('MUG', '"MUG\r\nBLUE\n\nLARGE"')
  for (const end of ['\n', '\r\n']) {
    await refuses(['', header, '', long, good, good.replace('2.55', 'x')].join(end), 9, /UnitPrice/)
    await refuses([header, long, '"1', '1"'].join(end), 6, /fields? where/)
    await refuses([header, long.replace('2.55', 'x')].join(end), 5, /UnitPrice/)
    await refuses([header, long.replace('1,', ',')].join(end), 2, /InvoiceNo is empty/)
  }
})

test('wherever the chunks of a file are cut, the line of an error is right', async () => {
  const filler = fc.array(fc.constantFrom('MUG', 'CAFÉ', '"A, B"', '"7"" TALL"', '"TWO\r\nLINES"'), {
    minLength: 1,
    maxLength: 40,
  })
  await fc.assert(
    fc.asyncProperty(
      filler,
      fc.constantFrom('\n', '\r\n'),
      fc.integer({ min: 60_000, max: 70_000 }),
      async (texts, end, size) => {
        let content = header + end
        for (let n = 1; content.length < size; n++)
          content += good.replace('1,', `${n},`).replace('MUG', texts[n % texts.length]!) + end
        const line = content.split('\n').length
        await refuses(
          `${content}oops${end}`,
          line,
          /1 field where/,
          (await read(content)).invoices.slice(0, -1).map((invoice) => invoice.invoiceNo),
        )
      },
    ),
    { numRuns: 10 },
  )
})

test('the invoices that ended before an error are given', async () => {
  const numbered = (n: number) => good.replace('1,', `${n},`)
  await refuses([header, numbered(1), numbered(2), numbered(3).replace('2.55', 'x')].join('\n'), 4, /UnitPrice/, [
    '1',
    '2',
  ])
  await refuses([header, numbered(1), numbered(2), numbered(2).replace('2.55', 'x')].join('\n'), 4, /UnitPrice/, ['1'])
  await refuses([header, numbered(1), numbered(2), 'oops'].join('\n'), 4, /1 field where/, ['1'])
})

test('a file that is missing, a directory or unreadable is named, without a line', async () => {
  using folder = mkdtempDisposableSync(join(tmpdir(), 'shop-'))
  const missing = join(folder.path, 'missing.csv')
  await assert.rejects(checkReadable(missing), {
    name: 'InvoiceFileError',
    line: null,
    message: `${missing}: there is no such file; check the path`,
  })
  await assert.rejects(checkReadable(folder.path), {
    line: null,
    message: `${folder.path}: this is a directory; give one CSV file in it`,
  })
  assert.equal(
    String((await readFile(missing)).error),
    `InvoiceFileError: ${missing}: there is no such file; check the path`,
  )
})

test('a file that may not be read is named', async () => {
  using folder = mkdtempDisposableSync(join(tmpdir(), 'shop-'))
  const file = join(folder.path, 'secret.csv')
  writeFileSync(file, header, { mode: 0 })
  chmodSync(folder.path, 0o755)
  // The superuser may read every file: for this test it is somebody else.
  const superuser = process.geteuid?.() === 0
  if (superuser) process.seteuid?.(65_534)
  try {
    await assert.rejects(checkReadable(file), { message: `${file}: this file may not be read; check its permissions` })
  } finally {
    if (superuser) process.seteuid?.(0)
  }
})

test('the reader tells how far it is', async () => {
  using folder = mkdtempDisposableSync(join(tmpdir(), 'shop-'))
  const file = join(folder.path, 'day.csv')
  const content = `${header}\n${good}\n${good.replace('1,', '2,').replace('MUG', 'CAFÉ')}\n`
  writeFileSync(file, content)
  const bytes: number[] = []
  for await (const _ of readInvoices(file, (position) => bytes.push(position)));
  assert.deepEqual(bytes, [header.length + good.length + 2, Buffer.byteLength(content)])
  assert.equal(await checkReadable(file), Buffer.byteLength(content))
})
