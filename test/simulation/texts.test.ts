import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import test from 'node:test'
import { find, renamed } from '../../tools/mutations.ts'
import { mutations, shown } from './mutations.ts'

test('the text that a mutation replaces is in its file once', () => {
  const wrong: string[] = []
  for (const [name, edits] of Object.entries(mutations)) {
    for (const { file, from } of edits) {
      const source = readFileSync(new URL(`../../src/${file}`, import.meta.url), 'utf8')
      const times = source.split(from).length - 1
      if (times !== 1) wrong.push(`"${name}": src/${file} has ${times} times ${JSON.stringify(from)}`)
    }
  }
  assert.deepEqual(wrong, [], 'node tools/mutations.ts finds texts that have moved to another file')
})

test('the file of the test that shows a mutation is there', () => {
  const there = ({ file }: { file: string }) => existsSync(new URL(`../../${file}`, import.meta.url))
  assert.deepEqual(
    Object.values(shown).filter((named) => !there(named)),
    [],
  )
})

test('a text that has moved is found in its new file, one that is there never or twice is not', () => {
  const edit = (file: string, from: string) => ({ file, from, to: '' })
  const all = {
    one: [edit('a.ts', 'stays'), edit('a.ts', 'moved')],
    two: [edit('b.ts', 'twice'), edit('b.ts', 'gone')],
  }
  const found = find(
    all,
    new Map([
      ['a.ts', 'stays twice'],
      ['c.ts', 'moved twice'],
    ]),
  )
  assert.deepEqual(
    found.map(({ files }) => files),
    [['a.ts'], ['c.ts'], ['a.ts', 'c.ts'], []],
  )
  const text = "{ file: 'a.ts' }, { file: 'a.ts' }, { file: 'b.ts' }, { file: 'b.ts' }, { file: 'a.ts' }"
  const next = "{ file: 'a.ts' }, { file: 'c.ts' }, { file: 'b.ts' }, { file: 'b.ts' }, { file: 'a.ts' }"
  assert.equal(renamed(text, found), next)
})
