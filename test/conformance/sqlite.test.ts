// The conformance suite on the default broker, each case on a file of its own.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { sqlite } from 'millrace'
import { testBroker } from 'millrace/testing'

const folder = mkdtempSync(join(tmpdir(), 'millrace-conformance-'))
after(() => rmSync(folder, { recursive: true, force: true }))

let files = 0

testBroker({
  name: 'sqlite',
  open: () => sqlite({ file: join(folder, `${++files}.db`) }),
})
