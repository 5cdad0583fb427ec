// The index of the finder after kill -9.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import test from 'node:test'
import { fileURLToPath } from 'node:url'
import { kept, place, rows, started, until } from '../support.ts'
import { findingApp } from './support/finding.ts'

const program = fileURLToPath(new URL('./support/finding.ts', import.meta.url))

/** Runs the app until its index has more messages than before, and kills it. */
async function killed(file: string): Promise<void> {
  const before = count(file)
  const child = spawn(process.execPath, ['--conditions=millrace-source', program, file], {
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  const ended = new Promise((resolve) => child.once('exit', resolve))
  try {
    await until('more messages are indexed', () => count(file) > before, 60_000)
  } finally {
    child.kill('SIGKILL')
    await ended
  }
}

function count(file: string): number {
  try {
    return Number(rows(`${file}-finder`, 'select count(*) as n from found')[0]!['n'])
  } catch {
    return 0
  }
}

type Found = Record<'position' | 'name' | 'id' | 'causation', unknown>

function indexed(file: string): Found[] {
  const streams = rows<{ id: number; name: string }>(file, 'select id, name from millrace_streams')
  const names = new Map(streams.map(({ id, name }) => [id, name]))
  const found = rows<Found & { stream: number }>(`${file}-finder`, 'select position, stream, id, causation from found')
  return found.map(({ position, stream, id, causation }) => ({ name: names.get(stream), position, id, causation }))
}

test('after each of five kill -9 the index continues, and in the end has each message of the log once', async (t) => {
  const file = place(t)
  for (let run = 1; run <= 5; run++) await killed(file)
  const { shop } = findingApp(file)
  await started(t, shop)
  await shop.idle()
  const log = ['asks', 'answers'].flatMap((name) =>
    kept(file, name).map(({ position, id, causation }) => ({ name, position, id, causation })),
  )
  await until('all is indexed', () => count(file) >= log.length, 60_000)
  const byPlace = (a: Found, b: Found) =>
    String(a.name).localeCompare(String(b.name)) || Number(a.position) - Number(b.position)
  assert.deepEqual(indexed(file).sort(byPlace), log.sort(byPlace))
  // The words of each are there too, once.
  const some = kept(file, 'asks').at(-1)!
  const { items } = await shop.messages.list({ text: (JSON.parse(some.data) as { text: string }).text, type: 'asked' })
  assert.equal(items.filter(({ id }) => id === some.id).length, 1)
  const story = await shop.messages.story(some.id)
  assert.deepEqual([story.items.map(({ type }) => type), story.complete], [['asked', 'answered'], true])
})
