// Runs seeds with a mutation until one fails, and says which.
import { failureOf } from './engine.ts'
import { hunts } from './mutations.ts'

const [first, seedsMax] = process.argv.slice(2).map(Number) as [number, number]
const hunt = hunts[process.env['MILLRACE_MUTATION'] ?? '']
let found: { seed: number | null; said: string } = { seed: null, said: `${seedsMax} seeds passed` }
for (let seed = first; seed < first + seedsMax && found.seed === null; seed++) {
  const failure = await failureOf(seed, hunt)
  if (failure === undefined) continue
  const { what, error } = failure
  const why = error instanceof Error ? error.message.split('\n')[0] : String(error)
  found = { seed, said: `${what} does not hold: ${why}` }
}
process.stdout.write(`${JSON.stringify(found)}\n`)
