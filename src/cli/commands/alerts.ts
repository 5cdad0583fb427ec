// Shows the alerts that are raised.
import type { AlertRaised } from '../../index.ts'
import { type Call, takeWords, withApp } from '../call.ts'
import { type Column, moment, safe, table, wrap } from '../print.ts'
import { time } from './desk-show.ts'

const columns: readonly Column<AlertRaised>[] = [
  { title: 'ALERT', value: ({ alert }) => alert, shrinksTo: 12 },
  { title: 'TOLD BY', value: ({ watch }) => watch, shrinksTo: 8 },
  { title: 'SINCE', value: ({ since }) => moment(since) },
  { title: 'TOLD', value: ({ at }) => moment(at) },
]

/** Shows what the parts that watch have told of, and not that it is well again. */
export async function alerts(call: Call): Promise<number> {
  takeWords(call, [], 0)
  const { out } = call
  return withApp(call, async ({ processors }) => {
    const rows = await processors.alerts()
    if (out.json) for (const row of rows) await out.object({ ...row, since: time(row.since), at: time(row.at) })
    else if (rows.length === 0) await out.line('no alert is raised')
    else {
      await out.lines(table(columns, rows, out.columns))
      for (const { what, command } of rows) {
        await out.lines(wrap(safe(`${what}: ${command}`), out.columns))
      }
    }
    return 0
  })
}
