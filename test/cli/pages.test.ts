// Commands in the prose of pages, which test/guides.deep.test.ts does not run: each exists, with the options that it has there.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import test from 'node:test'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))
const groups = ['desk', 'processors', 'flows', 'messages']

interface Named {
  readonly page: string
  readonly text: string
  /** The command: `start`, `desk show`. */
  readonly command: string
  readonly options: readonly string[]
}

/** The commands in code spans of a page, outside its blocks. */
function commandsIn(page: string, markdown: string): Named[] {
  const prose = markdown.replace(/^```[\s\S]*?^```$/gm, '')
  return [...prose.matchAll(/`(?:npx )?millrace\s+([a-z][^`]*)`/g)].map(([, text]) => {
    const [first = '', second = '', ...rest] = text!.split(/\s+/)
    const isGroup = groups.includes(first) && /^[a-z][a-z-]*$/.test(second)
    const options = [second, ...rest].filter((word) => word.startsWith('--'))
    return { page, text: text!.replace(/\s+/g, ' '), command: isGroup ? `${first} ${second}` : first, options }
  })
}

/** The help of each command; empty where there is none. */
function helpOf(commands: readonly string[]): Map<string, string> {
  const program = `
    import { main } from ${JSON.stringify(new URL('../../src/cli/main.ts', import.meta.url).href)}
    const helps = []
    const write = process.stdout.write
    for (const command of ${JSON.stringify(commands)}) {
      let text = ''
      process.stdout.write = (said) => { text += said; return true }
      const status = await main([...command.split(' '), '--help'])
      helps.push([command, status === 0 && text.includes(\`millrace \${command} \`) ? text : ''])
    }
    process.stdout.write = write
    console.log(JSON.stringify(helps))
  `
  const words = ['--conditions=millrace-source', '--input-type=module', '--eval', program]
  const stdio = ['ignore', 'pipe', 'ignore'] as const
  return new Map(JSON.parse(execFileSync(process.execPath, words, { encoding: 'utf8', stdio: [...stdio] })))
}

test('each command in the prose of a page exists, with its options', () => {
  const pages = ['README.md', ...globSync('docs/**/*.md', { cwd: root })].filter((page) => !page.includes('decisions'))
  const named = pages.flatMap((page) => commandsIn(page, readFileSync(`${root}/${page}`, 'utf8')))
  assert(named.length > 15)
  const helps = helpOf([...new Set(named.map(({ command }) => command))].filter((command) => command !== 'help'))
  const wrong = named.filter(({ command, options }) => {
    const help = command === 'help' ? 'help' : helps.get(command)!
    return help === '' || options.some((option) => !new RegExp(`${option}\\b`).test(help))
  })
  assert.deepEqual(
    wrong.map(({ page, text }) => `${page}: millrace ${text}`),
    [],
  )
})

test('commands are found in prose, and not in blocks', () => {
  const page = 'See `millrace desk show 4 --data` and `npx millrace\n  start app.ts`.\n```sh\n`millrace doctor`\n```\n'
  assert.deepEqual(
    commandsIn('a.md', page).map(({ command, options }) => [command, options]),
    [
      ['desk show', ['--data']],
      ['start', []],
    ],
  )
  assert.equal(helpOf(['desk show', 'desk shout', 'start']).get('desk shout'), '')
})
