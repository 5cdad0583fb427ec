import type { Desk, FileReader, FileWriter, ProcessorRow, Processors, StoreFile } from '../index.ts'
import { fault } from '../model/errors.ts'
import { suggest } from '../model/names.ts'

/** The desk of an app that does not run. What is released is tried when it starts. */
export function stoppedDesk(file: StoreFile): Desk {
  return {
    list: (filter = {}) => reading(file, (reader) => reader.desk(filter)),
    show: (id) => reading(file, (reader) => reader.deskEntry(id)),
    counts: () => reading(file, (reader) => ({ ...reader.deskCounts(), discarded: 0 })),
    release: (id) => writing(file, (writer) => writer.release(id)),
  }
}

/** The processors of an app that does not run. `names` are those of its code; undefined when that is not known. */
export function stoppedProcessors(file: StoreFile, names: readonly string[] | undefined): Processors {
  const list = () => reading(file, (reader) => rowsOf(reader, names))
  return {
    list,
    retire: async (name, { force = false } = {}) => {
      const rows = await list()
      const row = rows.find((one) => one.name === name)
      if (row === undefined) {
        const known = rows.map((one) => one.name)
        throw fault('millrace/unknown-processor', `the store knows no processor "${name}"${suggest(name, known)}`)
      }
      if (names?.includes(name)) {
        throw fault('millrace/processor-in-use', `processor "${name}" is a part of the app`)
      }
      if (names === undefined && !force) {
        throw fault(
          'millrace/processor-in-use',
          `whether the app still has processor "${name}" is not known without its file; name the app file, or retire with force`,
        )
      }
      if (row.held > 0 && !force) {
        throw fault('millrace/processor-has-held', `processor "${name}" holds ${row.held} messages at the desk`)
      }
      await writing(file, (writer) => writer.retire(name))
    },
  }
}

function rowsOf(reader: FileReader, names: readonly string[] | undefined): ProcessorRow[] {
  const heads = new Map(reader.streams().map(({ id, head }) => [id, head]))
  const held = reader.heldCounts()
  return reader.progress().map(({ processor, stream, low }) => ({
    name: processor,
    state: names === undefined || names.includes(processor) ? 'off' : 'gone',
    position: low,
    lag: (heads.get(stream) ?? low) - low,
    running: 0,
    held: held.get(processor) ?? 0,
  }))
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
