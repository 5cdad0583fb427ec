import type { Desk, FileReader, FileWriter, ProcessorRow, Processors, StoreFile } from '../index.ts'
import { fault } from '../model/errors.ts'
import { toRetire } from './retire.ts'

/** The desk of an app that does not run. What is released is tried when it starts. */
export function stoppedDesk(file: StoreFile): Desk {
  return {
    list: (filter = {}) => reading(file, (reader) => reader.desk(filter)),
    show: (id) => reading(file, (reader) => reader.deskEntry(id)),
    counts: () => reading(file, (reader) => ({ ...reader.deskCounts(), discarded: 0 })),
    release: (id) => writing(file, (writer) => writer.release(id)),
  }
}

/** What the code of an app has, by processor: its topic or channel. */
export type ProcessorSources = ReadonlyMap<string, string>

/** The processors of an app that does not run. `known` are those of its code; undefined when that is not known. */
export function stoppedProcessors(file: StoreFile, known: ProcessorSources | undefined): Processors {
  const list = () => reading(file, (reader) => rowsOf(reader, known))
  return {
    list,
    retire: async (name, { force = false } = {}) => {
      const rows = await list()
      if (known === undefined && !force && rows.some((row) => row.name === name)) {
        throw fault(
          'millrace/processor-in-use',
          `whether the app still has processor "${name}" is not known without its file; name the app file, or retire with force`,
        )
      }
      const all = known === undefined ? rows.map((row) => ({ ...row, state: 'gone' as const })) : rows
      const gone = toRetire(all, name, force)
      await writing(file, async (writer) => {
        for (const { on } of gone) await writer.retire(name, on)
      })
    },
  }
}

function rowsOf(reader: FileReader, known: ProcessorSources | undefined): ProcessorRow[] {
  const streams = new Map(reader.streams().map((stream) => [stream.id, stream]))
  const counts = reader.heldCounts()
  return reader.progress().map(({ processor, stream, low }) => {
    const { name: on, head } = streams.get(stream)!
    return {
      name: processor,
      on,
      state: known === undefined || known.get(processor) === on ? 'off' : 'gone',
      position: low,
      lag: head - low,
      running: 0,
      held: counts.find((count) => count.processor === processor && count.source === on)?.held ?? 0,
    }
  })
}

async function reading<T>(file: StoreFile, use: (reader: FileReader) => T): Promise<T> {
  const reader = file.read(false)
  try {
    return use(reader)
  } finally {
    reader.close()
  }
}

async function writing(file: StoreFile, use: (writer: FileWriter) => Promise<void>): Promise<void> {
  const writer = await file.write()
  try {
    await use(writer)
  } finally {
    await writer.close()
  }
}
