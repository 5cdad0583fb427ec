import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import test from 'node:test'
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
  assert.deepEqual(wrong, [])
})

test('the file of the test that shows a mutation is there', () => {
  const there = ({ file }: { file: string }) => existsSync(new URL(`../../${file}`, import.meta.url))
  assert.deepEqual(
    Object.values(shown).filter((named) => !there(named)),
    [],
  )
})
