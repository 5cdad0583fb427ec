import { parentPort } from 'node:worker_threads'

/** Some 2 ms of arithmetic. */
const rounds = 400_000

parentPort!.on('message', (seed: number) => {
  let sum = seed
  for (let round = 0; round < rounds; round++) sum = (sum * 31 + (round % 97)) % 1_000_003
  parentPort!.postMessage(sum)
})
