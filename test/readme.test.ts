// The way through the README to the first event, and to a test with a crash, is short. test/guides.deep.test.ts and
// test/package/init.test.ts run what it shows.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import test from 'node:test'

const read = (file: string) => readFileSync(new URL(`../${file}`, import.meta.url), 'utf8')
const readme = read('README.md')

/** The part of the README before a text. */
function before(text: string): string {
  assert(readme.includes(text), text)
  return readme.slice(0, readme.indexOf(text))
}

/** The words to read, without blocks of code and comments. */
const wordsIn = (page: string) =>
  page
    .replace(/^```[\s\S]*?^```$|<!--.*?-->/gm, '')
    .split(/\s+/)
    .filter((word) => /\w/.test(word)).length

const blocksIn = (page: string, language: string) =>
  [...page.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm'))].map(([, text]) =>
    text!.trim().split('\n'),
  )

test('the first event takes at most 400 words, 3 commands and 30 lines', () => {
  const way = before('$ node app.ts\n4 flour')
  const commands = [...blocksIn(way, 'sh').flat(), ...way.matchAll(/^\$ .*$/gm)]
  const [program, ...others] = blocksIn(way, 'ts')
  assert(wordsIn(way) <= 400, `${wordsIn(way)} words`)
  assert.equal(commands.length, 3)
  assert.deepEqual(others, [])
  assert(program!.length <= 30, `${program!.length} lines`)
})

test('a test with a crash takes at most 1,200 words, and is the one that init writes', () => {
  const way = before('## What is promised')
  assert(wordsIn(way) <= 1_200, `${wordsIn(way)} words`)
  const shown = blocksIn(way, 'ts').at(-1)!.join('\n')
  assert.match(shown, /crash/)
  assert(read('examples/starter/app.test.ts').includes(shown))
})
