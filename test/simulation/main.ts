// npm run simulate: many seeds of random applications, with a summary.
import { parseArgs } from 'node:util'
import type { SimulationReport } from '../../src/testing/simulate.ts'
import { proveEngine } from './engine.ts'

const usage = `usage: npm run simulate -- [options]

  --seeds N    so many seeds, default 1000
  --from N     the first of them, default 1
  --seed N     only this one
  --json       the summary as one JSON object
  --help       this text

Ctrl-C and SIGTERM end it after the seed that runs, with the summary of those that have run.
`
const seedsDefault = '1000'
const everyMs = 1_000

function wholeNumber(name: string, text: string): number {
  const value = Number(text)
  if (/^\d+$/.test(text) && Number.isSafeInteger(value)) return value
  process.stderr.write(`--${name} is "${text}", but must be a whole number from 0 on\n${usage}`)
  process.exit(2)
}

function options() {
  try {
    return parseArgs({
      options: {
        seeds: { type: 'string', default: seedsDefault },
        from: { type: 'string', default: '1' },
        seed: { type: 'string' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    }).values
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n${usage}`)
    process.exit(2)
  }
}

const { seeds, from, seed, json, help } = options()
if (help) {
  process.stdout.write(usage)
  process.exit(0)
}
const first = wholeNumber('from', seed ?? from)
const count = seed === undefined ? wholeNumber('seeds', seeds) : 1

function lines({ seeds, steps, starts, simulatedMs, faults }: SimulationReport): string {
  const rows: [string, string | number][] = [
    ['seeds, each run twice', seeds],
    ['steps', steps],
    ['processes started', starts],
    ['hours simulated', (simulatedMs / 3_600_000).toFixed(1)],
    ...Object.entries(faults),
  ]
  const width = Math.max(...rows.map(([name]) => name.length))
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${String(value).padStart(10)}\n`).join('')
}

let shownAt = performance.now()
const began = performance.now()
let ending = false
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  // Once: a second one ends it at once.
  process.once(signal, () => {
    ending = true
  })
}
function* numbers(): Generator<number> {
  for (let at = first; at < first + count && (at === first || !ending); at++) yield at
}
try {
  const progress = ({ seeds }: SimulationReport) => {
    if (performance.now() - shownAt < everyMs) return
    shownAt = performance.now()
    const line = `${seeds} of ${count} seeds`
    process.stderr.write(process.stderr.isTTY ? `\r${line}` : `${line}\n`)
  }
  const report = await proveEngine(numbers(), { progress })
  if (process.stderr.isTTY) process.stderr.write('\r')
  process.stdout.write(json ? `${JSON.stringify(report)}\n` : lines(report))
  if (!json) process.stdout.write(`took ${((performance.now() - began) / 1_000).toFixed(1)} s\n`)
} catch (error) {
  process.stderr.write(`\n${(error as Error).message}\n`)
  process.exitCode = 1
}
