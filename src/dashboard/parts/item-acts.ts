// What can be done about one message at the desk, in words.
import { commandLine } from '../../model/command-line.ts'
import type { DeskItem } from '../../model/desk-views.ts'
import { act } from '../client.ts'
import { count } from '../pure/words.ts'
import type { Doing } from './act.tsx'

type Item = Pick<DeskItem, 'id' | 'revision' | 'waiting' | 'processor' | 'message' | 'claim'>

const behind = (waiting: number) =>
  waiting === 0
    ? 'Nothing waits behind it.'
    : `${count(waiting, 'message')} behind it ${waiting === 1 ? 'follows' : 'follow'} in order.`

export function releasing({ id, revision, waiting, processor }: Item): Doing {
  return {
    title: 'Release this message?',
    will: `${processor} tries it again as it is. ${behind(waiting)}`,
    wont: 'Its data do not change. If it fails again, it comes back here and nothing overtakes it.',
    command: commandLine(`desk release app.ts ${id}`),
    verb: 'Release',
    reason: 'may',
    send: (reason) => act('/api/desk/{id}/release', { id }, { reason, revision }),
  }
}

export function discarding({ id, revision, waiting, processor }: Item): Doing {
  return {
    title: 'Discard this message?',
    will: `It is given up, on record: ${processor} never handles it. ${behind(waiting)}`,
    undo: 'It can be taken back for 7 days; then it joins the end of its line.',
    command: commandLine(`desk discard app.ts ${id}`),
    verb: 'Discard',
    danger: true,
    reason: 'must',
    send: (reason) => act('/api/desk/{id}/discard', { id }, { reason, revision }),
  }
}

export function takingBack({ id, revision, processor }: Item): Doing {
  return {
    title: 'Take this discard back?',
    will: `It joins the end of its line, and ${processor} tries it again.`,
    command: commandLine(`desk take-back app.ts ${id}`),
    verb: 'Take back',
    reason: 'may',
    send: (reason) => act('/api/desk/{id}/take-back', { id }, { reason, revision }),
  }
}

export function noting({ id }: Item): Doing {
  return {
    title: 'Write a note',
    will: 'Everybody who sees this message sees the note. It changes nothing.',
    command: commandLine(`desk note app.ts ${id}`),
    verb: 'Write',
    reason: 'must',
    reasonWord: 'Note',
    send: (text) => act('/api/desk/{about}/notes', { about: id }, { text }),
  }
}

/** "I'm on it": at once, since it binds nobody for long. */
export const claim = ({ id }: Item) => act('/api/desk/{id}/claim', { id }, {})
export const unclaim = ({ id }: Item) => act('/api/desk/{id}/unclaim', { id }, {})
