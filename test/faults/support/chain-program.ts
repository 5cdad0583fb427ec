// Publishes and handles until it is killed, and keeps its own record: `try` before a publish, `ack` after it.
// node chain-program.ts FILE RECORD SEED publish|finish
import { type Accepted, type App, sqlite } from 'millrace'
import { chain, Placed } from './chain.ts'
import { Record, readRecord } from './record.ts'
import { Chance } from './seed.ts'

const [file, recordPath, seed, task] = process.argv.slice(2) as [string, string, string, 'publish' | 'finish']
const roundMax = 150
const lanes = 12

const before = readRecord(recordPath)
const record = new Record(recordPath)
const chance = new Chance(Number(seed))
// A small checkpoint size, so that kills fall into checkpoints too.
const shop: App = chain({ broker: sqlite({ file, checkpointBytes: 65_536 }), chance, failures: 0.02 })

await shop.start()
process.stdout.write('started\n')

let n = before.reduce((highest, [, , , number]) => Math.max(highest, Number(number)), 0)

async function publish(id: string, lane: string, number: number, how: string): Promise<void> {
  record.write('try', id, lane, number, how)
  const data = { lane, n: number }
  let accepted: Accepted | undefined
  if (how === 'own') accepted = await shop.publish(Placed, data, { id })
  else if (how === 'made') accepted = await shop.publish(Placed, data)
  else {
    await shop.transaction(async (tx) => {
      await tx.query`insert into own values (${lane}, ${number})`
      tx.publish(Placed, data)
    })
  }
  record.write('ack', accepted?.id ?? '', lane, number, how)
}

/** Who gave an id and has no answer publishes again with it. */
async function again(): Promise<void> {
  const answered = new Set(before.filter(([what]) => what === 'ack').map(([, id]) => id))
  const open = before.filter(([what, id, , , how]) => what === 'try' && how === 'own' && !answered.has(id))
  await Promise.all(open.map(([, id, lane, number, how]) => publish(id!, lane!, Number(number), how!)))
}

/** Rounds of publishing, each followed by the rest of its handling, so that kills find both. */
async function publishOn(): Promise<void> {
  for (;;) {
    const round: Promise<void>[] = []
    for (let left = 1 + chance.below(roundMax); left > 0; left--) {
      n++
      const how = ['own', 'made', 'made', 'transaction'][chance.below(4)]!
      round.push(publish(how === 'own' ? `own-${n}` : '', `lane-${chance.below(lanes)}`, n, how))
      if (chance.next() < 0.02) await Promise.all(round)
    }
    await Promise.all(round)
    await shop.idle()
  }
}

async function finish(): Promise<void> {
  for (;;) {
    await shop.idle()
    const held = await shop.desk.list({ states: ['held'] })
    if (held.length === 0) break
    // The message that happened to run alone at two kills was held, as it must be; nothing else may be.
    const wrong = held.find(({ error }) => error?.code !== 'millrace/killed-the-process')
    if (wrong !== undefined) throw new Error(`held: ${JSON.stringify(wrong.error)}`)
    for (const { id } of held) await shop.desk.release(id)
  }
  await shop.stop()
  process.stdout.write('finished\n')
}

await again()
if (task === 'finish') await finish()
else await publishOn()
