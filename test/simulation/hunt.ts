// Runs seeds until one fails, and says how many it took.
import { proveEngine } from './engine.ts'

const [first, seedsMax] = process.argv.slice(2).map(Number) as [number, number]
let found = false
for (let seed = first; seed < first + seedsMax && !found; seed++) {
  try {
    await proveEngine([seed], { shrink: false })
  } catch (error) {
    found = true
    process.stdout.write(`${JSON.stringify({ seed, said: (error as Error).message.split('\n')[0] })}\n`)
  }
}
if (!found) process.stdout.write(`${JSON.stringify({ seed: null, said: `${seedsMax} seeds passed` })}\n`)
