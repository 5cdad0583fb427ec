import type { ProcessorRow } from '../../index.ts'
import { type Call, takeWords, withApp } from '../call.ts'
import { type Column, table } from '../print.ts'

const columns: readonly Column<ProcessorRow>[] = [
  { title: 'NAME', value: ({ name }) => name, shrinksTo: 10 },
  { title: 'ON', value: ({ on }) => on, shrinksTo: 8 },
  { title: 'STATE', value: ({ state }) => state },
  { title: 'POSITION', value: ({ position }) => position },
  { title: 'LAG', value: ({ lag }) => lag },
  { title: 'RUNNING', value: ({ running }) => running },
  { title: 'HELD', value: ({ held }) => held },
]

/** Shows the processors that the store knows and those that run. */
export async function processorsList(call: Call): Promise<number> {
  takeWords(call, [], 0)
  const { out } = call
  return withApp(call, async ({ processors }) => {
    const rows = await processors.list()
    if (out.json) for (const row of rows) await out.object(row)
    else if (rows.length === 0) out.line('no processor has run yet')
    else out.lines(table(columns, rows, out.columns))
    return 0
  })
}

/** Lets go of a processor that is gone. */
export async function processorsRetire(call: Call, { force = false }: { readonly force?: boolean }): Promise<number> {
  const [name] = takeWords(call, ['NAME'], 1)
  return withApp(call, async ({ processors }) => {
    await processors.retire(name!, { force })
    if (call.out.json) call.out.object({ name, retired: true })
    else call.out.line(`processor ${name} is retired: nothing is kept for it any more`)
    return 0
  })
}
