// What a trial has shown, in words.
import type { DeskTrial } from '../../model/desk-trials.ts'
import { count } from './words.ts'

export function trialText(
  { outcome, error, processor, messages, counts, statements }: DeskTrial,
  waiting: number,
): { readonly title: string; readonly text: string } {
  if (outcome !== 'handled') {
    const verb = outcome === 'refused' ? 'It would be refused' : 'It would fail'
    return { title: `${verb}: ${error!.message}`, text: 'It would come back here as it is now.' }
  }
  const rows = statements.reduce((sum, { changed }) => sum + changed, 0)
  const events = messages.filter(({ kind }) => kind === 'event').length
  const commands = counts.messages - events
  const would = [
    ...(rows > 0 ? [`change ${count(rows, 'row')}`] : []),
    ...(events > 0 ? [`publish ${count(events, 'event')}`] : []),
    ...(commands > 0 ? [`send ${count(commands, 'command')}`] : []),
  ]
  const last = would.pop()
  const does = last === undefined ? 'change and send nothing' : [would.join(', '), last].filter(Boolean).join(' and ')
  const behind =
    waiting === 0
      ? ''
      : ` Then ${count(waiting, 'message')} behind it would have ${waiting === 1 ? 'its turn' : 'their turns'}.`
  return { title: 'It would be handled.', text: `${processor} would ${does}.${behind}` }
}
