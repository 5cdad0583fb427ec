import { availableParallelism } from 'node:os'
import { type Case, casesAt, only } from './cases.ts'
import { here, inChild } from './child.ts'
import { help, type Options, parseOptions } from './options.ts'
import { preparePeers } from './peers/peers.ts'
import { memoryFileSystem, Place } from './place.ts'
import { startPostgres } from './postgres-server.ts'
import { Progress } from './progress.ts'
import { resultOf } from './result.ts'
import { Runner } from './runner.ts'
import { type ScaleName, scales } from './scale.ts'
import { header, row } from './table.ts'

const exitFailed = 1
const exitUsage = 2
const exitInterrupted = 130

async function main({ scale: scaleName, only: patterns, peers: withPeers, json, dir }: Options): Promise<number> {
  const scale = scales[scaleName]
  const cases = only(casesAt(scale), patterns)
  if (cases.length === 0) return misused(`no case is ${patterns.join(' or ')}; there are:\n${namesAt(scaleName)}`)

  const progress = new Progress(process.stderr)
  const print = (text: string) => {
    progress.clear()
    console.log(text)
  }
  const place = new Place(dir)
  const inMemory = memoryFileSystem(place.folder)
  if (inMemory) progress.note(`warning: ${dir} is a ${inMemory}, where a sync costs nothing; use --dir`)

  const onFile = cases.filter(({ server }) => server === undefined)
  const onPostgres = cases.length > onFile.length
  const needs = {
    tasks: withPeers && onFile.some(({ peerLoad }) => peerLoad),
    flows: withPeers && onFile.some(({ peerFlows }) => peerFlows),
    postgres: withPeers && onPostgres,
  }
  const { peers, notes, stop } = await preparePeers(needs, place, progress)
  if (onPostgres) notes.unshift(await startPostgres(place))
  let isComplete = true
  const runner = new Runner({
    place,
    measure: scale.isolated ? inChild : here,
    peers,
    span: scale,
    progress: (text) => progress.show(text),
    failed: (what, error) => progress.note(`${what} failed: ${error instanceof Error ? error.message : error}`),
  })

  if (!json) print(`${about(scaleName)}\n\n${header}`)
  for (const todo of cases) {
    const found = await runner.run(todo)
    const results = todo.lines.map((line) => resultOf(line, found))
    for (const result of results) print(json ? JSON.stringify(result) : row(result))
    isComplete &&= results.every(({ value }) => value !== null)
  }
  if (!json) print(['', ...remarks(scaleName, cases), ...notes].join('\n').trimEnd())
  progress.clear()
  await stop()
  return isComplete ? 0 : exitFailed
}

function misused(problem: string): number {
  console.error(problem)
  return exitUsage
}

function namesAt(scaleName: ScaleName): string {
  return casesAt(scales[scaleName])
    .flatMap(({ lines }) => lines.map(({ name }) => `  ${name}`))
    .join('\n')
}

function about(scaleName: ScaleName): string {
  return `Millrace bench (${scaleName}), Node.js ${process.version}, ${availableParallelism()} cores, ${process.platform}`
}

function remarks(scaleName: ScaleName, cases: readonly Case[]): string[] {
  const { millionEvents } = scales[scaleName]
  const isSmaller = millionEvents < scales.standard.millionEvents && cases.some(({ prepare }) => prepare)
  const count = millionEvents.toLocaleString('en')
  return [
    'raw: the bare database, publish only; shape: the same, all durable work of the case.',
    'Everything is on disk (fdatasync) before it is acknowledged.',
    ...(isSmaller
      ? [`history.1m, memory.*, restart.1m and desk.list.1m: with ${count} events here (--${scaleName}).`]
      : []),
  ]
}

function optionsOrUsage(): Options | string {
  try {
    return parseOptions(process.argv.slice(2))
  } catch (error) {
    return `${error instanceof Error ? error.message : error}\n\n${help}`
  }
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(exitInterrupted))

const options = optionsOrUsage()
if (typeof options === 'string') process.exit(misused(options))
if (options.help) console.log(help)
else process.exit(await main(options))
