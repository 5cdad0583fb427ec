// Two checkouts side by side: the same cases in fresh processes, alternately, and the ratio of each pair.
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { casesAt, only } from './cases.ts'
import { inChildBy } from './child.ts'
import { median, percentile } from './measure.ts'
import { Place } from './place.ts'
import { type ScaleName, scales } from './scale.ts'
import type { Figures } from './task.ts'

const help = `usage: npm run bench:pairs -- --before FOLDER [options]

  --before FOLDER  a checkout of the state to compare with, its packages installed
  --pairs N        pairs of fresh processes for each case, default 9
  --only PATTERN   as of the bench; can be repeated; default publish, handle, flow.1, flow.3 and flow.9
  --quick          short runs
  --dir FOLDER     where the files of the bench are put, default the temporary folder

Prints for each figure the quartiles of after by before; of times of before by after, so that above 1 is better.`

const after = fileURLToPath(new URL('..', import.meta.url))

const { values } = parseArgs({
  options: {
    before: { type: 'string' },
    pairs: { type: 'string', default: '9' },
    only: { type: 'string', multiple: true, default: ['publish', 'handle', 'flow.1', 'flow.3', 'flow.9'] },
    quick: { type: 'boolean', default: false },
    dir: { type: 'string', default: tmpdir() },
    help: { type: 'boolean', default: false },
  },
})
const pairs = Number(values.pairs)
if (values.help || values.before === undefined || !(pairs >= 1)) {
  console.log(help)
  process.exit(values.help ? 0 : 2)
}
const before = resolve(values.before)
const scale: ScaleName = values.quick ? 'quick' : 'standard'
const place = new Place(values.dir)

console.log(`${pairs} pairs of fresh processes, ${scale}; quartiles of after by before`)
for (const { runs, lines } of only(casesAt(scales[scale]), values.only)) {
  const task = runs.millrace?.task
  if (task === undefined || runs.millrace?.on !== undefined) continue
  const ratios = new Map<string, number[]>(lines.map(({ name }) => [name, []]))
  for (let pair = 0; pair < pairs; pair++) {
    const figures: Record<string, Figures> = {}
    for (const checkout of pair % 2 === 0 ? [before, after] : [after, before]) {
      const folder = place.next()
      figures[checkout] = await inChildBy(join(checkout, 'bench/worker.ts'), task, folder)
      place.remove(folder)
    }
    for (const { name, value, unit } of lines) {
      const [was, is] = [before, after].map((one) => value({ columns: { millrace: figures[one]! }, peers: new Map() }))
      if (was !== undefined && is !== undefined) ratios.get(name)!.push(unit === '/s' ? is / was : was / is)
    }
  }
  for (const [name, all] of ratios) {
    if (all.length === 0) continue
    const quartiles = `${percentile(all, 0.25).toFixed(3)} to ${percentile(all, 0.75).toFixed(3)}`
    console.log(`${name.padEnd(22)} ${median(all).toFixed(3)}  (${quartiles})`)
  }
}
