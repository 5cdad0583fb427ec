// The index of the finder after kill -9.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import test from 'node:test'
import { fileURLToPath } from 'node:url'
import { kept, place, rows, started, until } from '../support.ts'
import { findingApp } from './support/finding.ts'

const program = fileURLToPath(new URL('./support/finding.ts', import.meta.url))

/** Runs the app until its index has so many messages, and kills it. */
async function killed(file: string, count: number): Promise<void> {
  const child = spawn(process.execPath, ['--conditions=millrace-source', program, file], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  child.stdout.resume()
  const ended = new Promise((resolve) => child.once('exit', resolve))
  try {
    await until(`${count} messages are indexed`, () => indexed(file).length >= count, 60_000)
  } finally {
    child.kill('SIGKILL')
    await ended
  }
}

type Found = Record<'position' | 'name' | 'id' | 'causation', unknown>

function indexed(file: string): Found[] {
  try {
    const names = new Map(
      rows<{ id: number; name: string }>(file, 'select id, name from millrace_streams').map(({ id, name }) => [
        id,
        name,
      ]),
    )
    const found = rows<Found & { stream: number }>(
      `${file}-finder`,
      'select position, stream, id, causation from found order by stream, position',
    )
    return found.map(({ position, stream, id, causation }) => ({ name: names.get(stream), position, id, causation }))
  } catch {
    return []
  }
}

test('after each of five kill -9 the index goes on, and in the end has each message of the log once', async (t) => {
  const file = place(t)
  for (let run = 1; run <= 5; run++) await killed(file, run * 150)
  const { shop } = findingApp(file)
  await started(t, shop)
  await shop.idle()
  const log = () =>
    ['asks', 'answers'].flatMap((name) =>
      kept(file, name).map(({ position, id, causation }) => ({ name, position, id, causation })),
    )
  await until('all is indexed', () => indexed(file).length >= log().length, 60_000)
  const byPlace = (a: Found, b: Found) =>
    String(a.name).localeCompare(String(b.name)) || Number(a.position) - Number(b.position)
  assert.deepEqual(indexed(file).sort(byPlace), log().sort(byPlace))
  // The words of each are there too, once.
  const some = kept(file, 'asks').at(-1)!
  const { items } = await shop.messages.list({ text: (JSON.parse(some.data) as { text: string }).text, type: 'asked' })
  assert.equal(items.filter(({ id }) => id === some.id).length, 1)
  const story = await shop.messages.story(some.id)
  assert.deepEqual([story.items.map(({ type }) => type), story.complete], [['asked', 'answered'], true])
})
