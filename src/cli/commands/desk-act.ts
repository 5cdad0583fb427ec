// The actions of people on single messages at the desk.
import { type ChangeList, type Desk, type DeskRow, MillraceError } from '../../index.ts'
import { actorOf, actorWithReason, type RepairWords, withRevision } from '../actor.ts'
import { type Call, takeWords, withApp } from '../call.ts'
import { changeLines, changesOf } from '../changes.ts'
import { each, messageAtDesk, readId } from '../each.ts'
import { readList } from '../json-file.ts'
import { UsageError } from '../output.ts'
import { type DataWords, readData } from './data-words.ts'
import { checkSelect, type SelectWords, select } from './operations.ts'

/** Releases held messages, and the lines behind them. */
export async function deskRelease(call: Call, words: SelectWords & RepairWords): Promise<number> {
  const actor = actorOf(words)
  if (checkSelect(words)) return select(call, 'release', words, actor)
  const said = { key: 'released', done: 'is released', later: 'is released; it is tried when the app starts' }
  return eachHeld(call, said, (desk, id) => desk.release(id, withRevision(actor, words)))
}

/** Discards held messages; the lines behind them continue. */
export async function deskDiscard(call: Call, words: SelectWords & RepairWords): Promise<number> {
  const actor = actorWithReason('discard', words)
  if (checkSelect(words)) return select(call, 'discard', words, actor)
  const said = { key: 'discarded', done: 'is discarded', later: 'is to be discarded when the app starts' }
  return eachHeld(call, said, (desk, id) => desk.discard(id, withRevision(actor, words)))
}

/** Takes discards back: the messages join the ends of their lanes. */
export async function deskTakeBack(call: Call, words: RepairWords): Promise<number> {
  const actor = actorOf(words)
  const said = {
    key: 'takenBack',
    done: 'is taken back and is tried after what waits in its lane',
    later: 'is to be taken back when the app starts',
  }
  return eachHeld(call, said, (desk, id) => desk.takeBack(id, withRevision(actor, words)))
}

interface Said {
  /** The key in JSON. */
  readonly key: string
  readonly done: string
  /** The word where the app does not run. */
  readonly later: string
}

function eachHeld(call: Call, { key, done, later }: Said, act: (desk: Desk, id: number) => Promise<void>) {
  return each(call, messageAtDesk, ofOne, async ({ desk, running }, id) => {
    await act(desk, id)
    return { text: `message ${id} ${running ? done : later}`, object: { [key]: true } }
  })
}

/** The codes of errors about one message, not about the app or its file. */
const ofOne: ReadonlySet<string> = new Set([
  'millrace/unknown-item',
  'millrace/not-held',
  'millrace/not-discarded',
  'millrace/stale-revision',
  'millrace/claimed',
  'millrace/too-late',
  'millrace/unknown-processor',
])

export interface ResubmitWords extends SelectWords, RepairWords, DataWords {}

/** Replaces the data of a message that is held, or that waits in line, with corrected data. */
export async function deskResubmit(call: Call, words: ResubmitWords): Promise<number> {
  const actor = actorWithReason('resubmit', words)
  const { change: path, ...others } = words
  if (checkSelect(others)) {
    if (path === undefined) throw new UsageError('resubmit --all needs --change FILE, a file with a change list')
    return select(call, 'resubmit', words, actor)
  }
  const [text] = takeWords(call, ['ID'], 1)
  const id = readId(text!, messageAtDesk)
  if (path !== undefined && (words.data !== undefined || words.dataFile !== undefined)) {
    throw new UsageError('--change does not go with --data')
  }
  const change = path === undefined ? undefined : (readList('--change', path) as ChangeList)
  const data = change === undefined ? await readData(words) : undefined
  const { out } = call
  return withApp(call, async ({ desk, running }) => {
    const before = await desk.show(id)
    if (before === undefined) throw new MillraceError('millrace/unknown-item', `there is no message ${id} at the desk`)
    const by = { revision: before.revision, ...withRevision(actor, words) }
    const was: unknown = JSON.parse(before.message.json)
    const edit = change === undefined ? { data } : { change }
    // Before it is sent: then the message may have been handled already.
    const { after } = await desk.check(id, edit)
    if (change === undefined) await desk.resubmit(id, data, by)
    else await desk.change(id, change, by)
    const changes = after === null ? [] : changesOf(was, JSON.parse(after))
    if (out.json) out.object({ id, resubmitted: true, changes })
    else {
      out.line(`message ${id} ${resubmitted(before, { running })}`)
      await out.lines(
        changes.length === 0 ? ['  the data are the same as before'] : changeLines(changes).map((line) => `  ${line}`),
      )
    }
    return 0
  })
}

function resubmitted({ state }: DeskRow, { running }: { readonly running: boolean }): string {
  if (!running) return 'is to be sent again with corrected data when the app starts'
  return state === 'line' ? 'has corrected data and keeps its place in line' : 'is sent again with corrected data'
}
