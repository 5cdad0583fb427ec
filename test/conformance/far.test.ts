// The conformance suite on SQLite behind a store that is far away: copies, late answers, other groups of arrivals.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { sqlite } from 'millrace'
import { testBroker } from 'millrace/testing'
import { randomOf } from '../../src/testing/random.ts'
import { farBroker } from '../support/far-store.ts'

const folder = mkdtempSync(join(tmpdir(), 'millrace-far-'))
after(() => rmSync(folder, { recursive: true, force: true }))

let files = 0

testBroker({
  name: 'sqlite, far away',
  open: () => {
    const random = randomOf(++files, 'far')
    const near = sqlite({ file: join(folder, `${files}.db`) })
    return farBroker(near, { random, chances: { known: 0.2, first: 0.2 } })
  },
})
