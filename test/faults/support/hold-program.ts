// Publishes, holds, releases and drains until it kills itself at a point that its seed chooses.
// node hold-program.ts FILE RECORD SEED trouble|finish
import { sqlite } from 'millrace'
import { holdPoints } from './hold-points.ts'
import { Record, readRecord } from './record.ts'
import { Chance } from './seed.ts'
import { type Doing, Result, Task, tasks } from './tasks.ts'

const [file, recordPath, seed, step] = process.argv.slice(2) as [string, string, string, 'trouble' | 'finish']
const lanes = 4
const publishes = 60

const before = readRecord(recordPath)
const record = new Record(recordPath)
const chance = new Chance(Number(seed))
const mended = new Set(before.filter(([what]) => what === 'mended').map(([, what]) => what))
let running = 0

const dyingAt = step === 'finish' ? '' : holdPoints[chance.below(holdPoints.length)]!
let dyingIn = 1 + chance.below(4)
function mayDie(point: (typeof holdPoints)[number]): void {
  if (point !== dyingAt || --dyingIn > 0) return
  record.write('died', point.replaceAll(' ', '-'))
  process.kill(process.pid, 'SIGKILL')
}

const pause = () => new Promise<void>((resolve) => setTimeout(resolve, chance.below(3)))

/** A stone cannot be handled until it is mended. What was released or waited in line is handled like all others. */
const handle: Doing = async ({ id, data }, { commit, publish }) => {
  running++
  try {
    if (chance.next() < 0.3) await pause()
    if (data.what.startsWith('stone') && !mended.has(data.what)) {
      mayDie('before a hold')
      throw new Error('a stone')
    }
    if (mended.has(data.what)) mayDie('while a released message runs')
    else if (released > 0) mayDie('during a drain')
    publish(Result, { what: data.what })
    return commit(async (tx) => {
      await tx.query`insert into done (message, lane, what) values (${id}, ${data.lane}, ${data.what})`
      if (released > 0) mayDie('in a commit during a drain')
    })
  } finally {
    running--
  }
}

let released = 0
const doing = new Proxy({}, { get: () => handle }) as { [what: string]: Doing }
const shop = tasks({
  broker: sqlite({ file }),
  doing,
  attempts: 2,
  log: (level, text) => {
    if (level === 'error' && text.includes('holds a message')) queueMicrotask(() => mayDie('when it holds'))
  },
})
await shop.start({ control: false })

async function publishSome(): Promise<void> {
  const count = readRecord(recordPath).filter(([what]) => what === 'try').length
  const round: Promise<void>[] = []
  for (let n = count + 1; n <= count + publishes; n++) {
    const what = `${chance.next() < 0.1 ? 'stone' : 'plain'}-${n}`
    record.write('try', what)
    const own = chance.next() < 0.5 ? { id: `own-${n}` } : undefined
    const publish = async () => {
      const { id } = await shop.publish(Task, { lane: `lane-${chance.below(lanes)}`, what }, own)
      record.write('ack', what, id)
    }
    round.push(publish())
    if (chance.next() < 0.1) await Promise.all(round)
  }
  await Promise.all(round)
}

async function releaseSome(share: number): Promise<number> {
  const held = await shop.desk.list({ states: ['held'] })
  for (const { id, message } of held) {
    if (chance.next() >= share) continue
    const { what } = JSON.parse(message.json) as { what: string }
    record.write('mended', what)
    mended.add(what)
    mayDie('before a release')
    released++
    const release = shop.desk.release(id)
    mayDie('during a release')
    await release
    mayDie('after a release')
  }
  return held.length
}

if (step === 'trouble') {
  if (chance.next() < 0.3) await releaseSome(0.7)
  await publishSome()
  await shop.idle()
  mayDie('after a hold')
  const publishing = publishSome()
  await releaseSome(0.7)
  await publishing
  await shop.idle()
  record.write('died', 'at-rest')
  process.kill(process.pid, 'SIGKILL')
} else {
  do await shop.idle()
  while ((await releaseSome(1)) > 0)
  if (running > 0) throw new Error('a handler runs though all is quiet')
  await shop.stop()
  process.stdout.write('finished\n')
}
