// Places where a file cannot be opened: each is told by its own cause.
import assert from 'node:assert/strict'
import { execFile, execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import test from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { app, type ErrorCode, event, sqlite, topic } from 'millrace'
import { z } from 'zod'
import { coded, place } from '../support.ts'

const Asked = event('asked', { schema: z.object({}) })
const asking = (file: string) =>
  app({ name: 'asking', broker: sqlite({ file }), log: () => {}, parts: [topic('questions', [Asked])] })

type Case = readonly [what: string, spoil: (file: string) => string | undefined, code: ErrorCode, says: RegExp]

const places: readonly Case[] = [
  [
    'a folder that does not exist',
    (file) => join(dirname(file), 'nowhere', 'app.db'),
    'millrace/cannot-open',
    /there is no folder .*nowhere$/,
  ],
  [
    'a folder that is a file',
    (file) => {
      writeFileSync(file, '')
      return join(file, 'app.db')
    },
    'millrace/cannot-open',
    /app\.db is no folder$/,
  ],
  [
    'a file below a file',
    (file) => {
      writeFileSync(file, '')
      return join(file, 'folder', 'app.db')
    },
    'millrace/cannot-open',
    /there is no folder .*folder$/,
  ],
  ['a folder in place of the file', (file) => void mkdirSync(file), 'millrace/cannot-open', /app\.db is a folder$/],
  [
    'a folder in place of the -wal file',
    (file) => void mkdirSync(`${file}-wal`),
    'millrace/cannot-open',
    /app\.db-wal is a folder$/,
  ],
  [
    'a folder in place of FILE-owner',
    (file) => void mkdirSync(`${file}-owner`),
    'millrace/cannot-open',
    /app\.db-owner is a folder$/,
  ],
  [
    'a pipe in place of the file',
    (file) => void execFileSync('mkfifo', [file]),
    'millrace/cannot-open',
    /app\.db is no regular file$/,
  ],
  [
    'a link without a target',
    (file) => symlinkSync(`${file}-nowhere`, file) as undefined,
    'millrace/cannot-open',
    /app\.db is a link to .*app\.db-nowhere, which does not exist; /,
  ],
  [
    'a link to itself',
    (file) => symlinkSync(file, file) as undefined,
    'millrace/cannot-open',
    /the links at .*app\.db lead in a circle$/,
  ],
  ['a name that is too long', (file) => join(dirname(file), 'x'.repeat(250)), 'millrace/cannot-open', /too long$/],
  [
    'a path that is too long',
    (file) => join(dirname(file), ...Array.from({ length: 60 }, () => 'folder-name'), 'app.db'),
    'millrace/cannot-open',
    /the path has \d+ bytes, more than 498$/,
  ],
]

for (const [what, spoil, code, says] of places) {
  test(`${what} is told as that`, async (t) => {
    const file = place(t)
    const named = spoil(file) ?? file
    await assert.rejects(asking(named).start({ control: false, waitMs: 0 }), coded(code, says))
    await assert.rejects(asking(named).start({ control: false, waitMs: 0 }), coded(code, says))
  })
}

test('the reader of a stopped file tells a link without a target from a missing file', async (t) => {
  const file = place(t)
  await assert.rejects(sqlite({ file }).offline!.read('stopped'), coded('millrace/no-app', /there is no file /))
  symlinkSync(`${file}-nowhere`, file)
  await assert.rejects(sqlite({ file }).offline!.read('stopped'), coded('millrace/cannot-open', /is a link to /))
})

const program = fileURLToPath(new URL('./support/stranger-program.ts', import.meta.url))
const run = promisify(execFile)

/** What comes of a start by a user who owns nothing; where this user is not root, by this one. */
async function strangerStarts(file: string): Promise<{ code: string; message: string }> {
  const { stdout } = await run(process.execPath, ['--conditions=millrace-source', program, file])
  return JSON.parse(stdout)
}

const mayNot = 'user \\d+, as whom this process runs, may not'

const permissions: readonly (readonly [what: string, spoil: (file: string) => void, code: ErrorCode, says: RegExp])[] =
  [
    [
      'a folder in which this user may not make files',
      (file) => chmodSync(dirname(file), 0o555),
      'millrace/read-only',
      new RegExp(
        `^cannot make files in .*, where .*app\\.db is or is to be: ${mayNot}; it belongs to user \\d+, mode 555$`,
      ),
    ],
    [
      'a folder into which this user may not look',
      (file) => chmodSync(dirname(file), 0o600),
      'millrace/cannot-open',
      new RegExp(`${mayNot} look into `),
    ],
    [
      'a file that this user may not write',
      (file) => chmodSync(file, 0o444),
      'millrace/read-only',
      new RegExp(`^cannot read and write .*app\\.db: ${mayNot}; it belongs to user \\d+, mode 444$`),
    ],
    [
      'a file that this user may not read',
      (file) => chmodSync(file, 0o000),
      'millrace/read-only',
      new RegExp(`^cannot read and write .*app\\.db: ${mayNot}; it belongs to user \\d+, mode 0$`),
    ],
    [
      'a -wal file that this user may not write',
      (file) => {
        writeFileSync(`${file}-wal`, '')
        chmodSync(`${file}-wal`, 0o444)
      },
      'millrace/read-only',
      new RegExp(`^cannot read and write .*app\\.db-wal: ${mayNot}; it belongs to user \\d+, mode 444$`),
    ],
    [
      'a FILE-owner that is of another user',
      (file) => {
        writeFileSync(`${file}-owner`, '')
        chmodSync(`${file}-owner`, 0o000)
      },
      'millrace/read-only',
      new RegExp(`^cannot read and write .*app\\.db-owner: ${mayNot}; it belongs to user \\d+, mode 0$`),
    ],
  ]

for (const [what, spoil, code, says] of permissions) {
  test(`${what} is told as that`, async (t) => {
    const file = place(t)
    const first = asking(file)
    await first.start({ control: false })
    await first.stop()
    chmodSync(dirname(file), 0o777)
    chmodSync(file, 0o666)
    chmodSync(`${file}-owner`, 0o666)
    assert.deepEqual(await strangerStarts(file), { code: 'started' }, 'with the permissions it goes')
    spoil(file)
    const told = await strangerStarts(file).finally(() => chmodSync(dirname(file), 0o777))
    assert.equal(told.code, code, told.message)
    assert.match(told.message, says)
  })
}
