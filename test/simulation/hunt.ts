// Runs seeds until one fails, and says how many it took.
import { proveEngine } from './engine.ts'

const seedsMax = Number(process.argv[2])
let found = false
for (let seed = 1; seed <= seedsMax && !found; seed++) {
  try {
    await proveEngine([seed])
  } catch (error) {
    found = true
    process.stdout.write(`${JSON.stringify({ seed, said: (error as Error).message.split('\n')[0] })}\n`)
  }
}
if (!found) process.stdout.write(`${JSON.stringify({ seed: null, said: `${seedsMax} seeds passed` })}\n`)
