// Corrections before they are sent: the shape of the data, and whether an edit fits.
import type { ChangeList, DeskCheck, DeskEdit } from '../../index.ts'
import { type Call, takeWords, withApp } from '../call.ts'
import { changeLines, changesOf } from '../changes.ts'
import { messageAtDesk, readId } from '../each.ts'
import { readList } from '../json-file.ts'
import { UsageError } from '../output.ts'
import { safe, safeJson } from '../print.ts'
import { type DataWords, readData } from './data-words.ts'

/** Prints the JSON Schema of a message; exit code 1 where there is none. */
export async function deskForm(call: Call): Promise<number> {
  const [text] = takeWords(call, ['ID'], 1)
  const id = readId(text!, messageAtDesk)
  const { out } = call
  return withApp(call, async ({ desk }) => {
    const form = await desk.form(id)
    if (out.json) await out.object(form)
    else if (form.schema === null)
      out.note(`message ${id} of type ${safe(form.type)} has no schema: ${safe(form.why!)}`)
    else await out.line(safeJson(JSON.stringify(form.schema, null, 2)))
    return form.schema === null ? 1 : 0
  })
}

export interface CheckWords extends DataWords {
  readonly change?: string | undefined
}

/** Checks an edit; exit code 1 where it would be refused. */
export async function deskCheck(call: Call, words: CheckWords): Promise<number> {
  const [text] = takeWords(call, ['ID'], 1)
  const id = readId(text!, messageAtDesk)
  const edit = await editOf(words)
  const { out } = call
  return withApp(call, async ({ desk }) => {
    const checked = await desk.check(id, edit)
    if (out.json) await out.object(checked)
    else await out.lines(linesOf(checked))
    return checked.error === null ? 0 : 1
  })
}

async function editOf({ change, ...data }: CheckWords): Promise<DeskEdit> {
  if (change === undefined) return { data: await readData(data) }
  if (data.data !== undefined || data.dataFile !== undefined) throw new UsageError('--change does not go with --data')
  return { change: readList('--change', change) as ChangeList }
}

function linesOf({ item, before, after, error, misfits }: DeskCheck): string[] {
  if (error !== null) {
    const places = misfits.map(
      ({ pointer, detail }) => `  ${safe(pointer === '' ? '(all)' : pointer)}: ${safe(detail)}`,
    )
    return [`message ${item} would not take it: ${safe(error.message)}`, ...places]
  }
  const changes = changesOf(JSON.parse(before), JSON.parse(after!))
  if (changes.length === 0) return [`message ${item} would take it; its data stay the same`]
  return [`message ${item} would take it:`, ...changeLines(changes).map((line) => `  ${line}`)]
}
