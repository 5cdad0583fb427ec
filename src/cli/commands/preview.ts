// What the change of an operation would make of its messages.
import type { Preview } from '../../index.ts'
import { type Call, takeWords, withApp } from '../call.ts'
import { changeLines, changesOf } from '../changes.ts'
import type { PageWords } from '../lists.ts'
import { safe } from '../print.ts'
import { named } from './operations.ts'

/** Shows, message by message, what a resubmission would change. */
export async function deskPreview(call: Call, page: PageWords): Promise<number> {
  const [word] = takeWords(call, ['ID or NAME'], 1)
  const { out } = call
  return withApp(call, async ({ desk }) => {
    const { id, name } = await named(desk, word!)
    const shown = await desk.preview(id, page)
    for (const one of shown) await (out.json ? out.object(one) : out.lines(linesOf(one)))
    if (!out.json && shown.length === 0) out.line(`operation ${id} "${safe(name)}" has no more messages to change`)
    return 0
  })
}

function linesOf({ item, before, after, why }: Preview): string[] {
  if (after === null) return [`message ${item} stays as it is: ${safe(why!)}`]
  const changes = changesOf(JSON.parse(before), JSON.parse(after))
  if (changes.length === 0) return [`message ${item}: its data stay the same`]
  return [`message ${item}:`, ...changeLines(changes).map((line) => `  ${line}`)]
}
