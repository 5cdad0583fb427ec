import assert from 'node:assert/strict'
import test from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { listen } from './late-errors.ts'
import { safeLog } from './safe-log.ts'

const fail = (): never => {
  throw new Error('no pen')
}

const logs: Record<string, { readonly log: () => unknown; readonly lines: readonly string[] }> = {
  throws: {
    log: fail,
    lines: ['error the `log` of the app failed', 'warn first', 'error second'],
  },
  rejects: { log: async () => fail(), lines: ['error the `log` of the app failed'] },
  'leaves a rejection behind': {
    log: () => void Promise.reject(new Error('no pen')),
    lines: ['error the `log` of the app failed'],
  },
  'leaves a callback behind that throws': {
    log: () => void setImmediate(fail),
    lines: ['error the `log` of the app failed'],
  },
  'does as it should': { log: () => 'whatever', lines: [] },
}

for (const [what, { log, lines }] of Object.entries(logs)) {
  test(`a log that ${what} does no harm, and its failure is told once`, async () => {
    const stop = listen()
    const told: string[] = []
    const safe = safeLog(log, (level, text, fields) => {
      told.push(`${level} ${text.split(';')[0]}`)
      if (fields !== undefined) assert.equal(fields['error'], 'no pen')
    })
    safe('warn', 'first')
    safe('error', 'second')
    for (let turns = 0; turns < 3; turns++) await turn()
    stop()
    assert.deepEqual(told, lines)
  })
}
