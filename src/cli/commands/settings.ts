// Shows what an app is set to and what it stands on.
import { edgeOf } from '../../operate/edge.ts'
import { type Setting, settingsOf } from '../../operate/settings.ts'
import { type Call, locate, takeWords } from '../call.ts'
import { UsageError } from '../output.ts'
import { bytes, type Column, facts, safe, table } from '../print.ts'

const columns: readonly Column<Setting>[] = [
  { title: 'OPTION', value: ({ name }) => name },
  { title: 'VALUE', value: ({ value }) => value },
  { title: 'DEFAULT', value: (one) => (one.value === one.default ? '' : one.default) },
  { title: 'WHAT IT IS', value: ({ what }) => what, shrinksTo: 12 },
]

/** Shows the options of an app with their defaults, the versions, and the room on its disk. */
export async function settings(call: Call): Promise<number> {
  takeWords(call, [], 0)
  const { appFile, out } = call
  if (appFile === undefined) throw new UsageError('name the app file (app.ts): its code has the options')
  const { app, store } = await locate(call)
  const found = settingsOf(app!, { numbers: edgeOf(app!).numbers, offline: () => store })
  if (out.json) await out.object(found)
  else {
    const { version, millrace, node, disk, options } = found
    const room: [string, string | undefined][] =
      disk === null
        ? []
        : [
            ['file', disk.file],
            ['size', `${bytes(disk.bytes)}, and ${bytes(disk.walBytes)} in the -wal file`],
            ['free', bytes(disk.freeBytes)],
          ]
    const versions: [string, string | undefined][] = [
      ['version', version ?? undefined],
      ['millrace', millrace],
      ['node', node],
    ]
    await out.lines([`app ${safe(found.app)}`, ...facts([...versions, ...room], out.columns), ''])
    await out.lines(table(columns, options, out.columns))
  }
  return 0
}
