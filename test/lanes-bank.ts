// A bank whose processors write down what they handle, for the tests of lanes.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { app, event, type Processor, type ProcessorOptions, processor, sqlite, topic } from 'millrace'
import { z } from 'zod'

export const Moved = event('moved', {
  schema: z.object({ account: z.string(), n: z.number().int() }),
  context: (m) => m.account,
})
export const Moves = topic('moves', [Moved])
type Options = ProcessorOptions<typeof Moved, [], []>

export function bank(file: string, ...parts: Processor[]) {
  return app({
    name: 'bank',
    broker: sqlite({ file }),
    log: () => {},
    setup: (tx) => tx.query`create table if not exists seen (place integer primary key, who text, account text, n int)`,
    parts: [Moves, ...parts],
  })
}

/** A processor that writes down what it handles, in the order of its commits. */
export function recorder(
  name: string,
  before: (n: number, account: string) => unknown,
  options: Partial<Options> = {},
): Processor {
  return processor(name, {
    on: Moves,
    retry: { attempts: 2, firstDelayMs: 1, maxDelayMs: 2 },
    ...options,
    handle: {
      moved: async ({ data: { account, n } }, { commit }) => {
        await before(n, account)
        return commit((tx) => tx.query`insert into seen (who, account, n) values (${name}, ${account}, ${n})`)
      },
    },
  })
}

export function seen(file: string, who: string): Map<string, number[]> {
  const db = new DatabaseSync(file, { readOnly: true })
  const rows = db.prepare('select account, n from seen where who = ? order by place').all(who)
  db.close()
  const lanes = new Map<string, number[]>()
  for (const { account, n } of rows as { account: string; n: number }[]) {
    lanes.set(account, [...(lanes.get(account) ?? []), n])
  }
  return lanes
}

export const upTo = (count: number) => Array.from({ length: count }, (_, n) => n)

export function folder(t: { after(fn: () => void): void }): string {
  const path = mkdtempSync(join(tmpdir(), 'millrace-lanes-'))
  t.after(() => rmSync(path, { recursive: true, force: true }))
  return join(path, 'bank.db')
}
