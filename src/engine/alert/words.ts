// Alerts in words for people: what and where, what still works, the command and the page that show more.
import type { AlertRaised, AlertWatch, Finding } from '../../model/alerts.ts'
import { commandLine } from '../../model/command-line.ts'

type Words = Pick<AlertRaised, 'what' | 'works' | 'command' | 'url'>

export function wordsOf(finding: Finding, watch: AlertWatch): Words {
  const { what, works, command, page } = finding.alert.startsWith('more ')
    ? moreWords(finding)
    : words[finding.kind](finding, watch)
  return { what, works, command: commandLine(command), url: watch.baseUrl === undefined ? null : watch.baseUrl + page }
}

interface Parts {
  readonly what: string
  readonly works: string
  readonly command: string
  /** The path of the page. */
  readonly page: string
}

const others = 'Other contexts and all other parts are handled.'
const order = 'What comes later in the same context waits in order.'

const words: Readonly<Record<Finding['kind'], (finding: Finding, watch: AlertWatch) => Parts>> = {
  group: ({ part, group, type, code, count }) => ({
    what: `${many(count!, 'message')} of type "${type}" ${count === 1 ? 'is' : 'are'} held at "${part}"${code === null ? '' : `: ${code}`}`,
    works: `${others} ${order}`,
    command: `desk app.ts --group ${group}`,
    page: `/desk/g/${group}`,
  }),
  closed: ({ part, count }, { closedMs }) => ({
    what: `${many(count!, 'lane')} of "${part}" ${count === 1 ? 'is' : 'are'} closed, for more than ${time(closedMs)}`,
    works: `${others} ${order}`,
    command: `desk app.ts --processor ${part}`,
    page: `/desk?part=${encodeURIComponent(part!)}`,
  }),
  behind: ({ part, state, count }, { behindMs }) => ({
    what: `"${part}" is ${stateWords[state!]}: its oldest message waits for more than ${time(behindMs)}, ${many(count!, 'message')} in all`,
    works: 'Messages are accepted and kept. All other parts handle theirs.',
    command: 'processors app.ts',
    page: `/system/parts/${encodeURIComponent(part!)}`,
  }),
  question: ({ part, count }, { questionMs }) => ({
    what: `${many(count!, 'question')} of "${part}" ${count === 1 ? 'waits' : 'wait'} for an answer, for more than ${time(questionMs)}`,
    works: 'All other flows and parts are handled.',
    command: `flows questions app.ts --mediator ${part}`,
    page: '/inbox',
  }),
  paused: ({ part }) => ({
    what: `"${part}" is paused: its endpoint wants nothing more`,
    works: 'Its messages are kept and follow in order when it is resumed. All other parts are handled.',
    command: `processors resume app.ts ${part}`,
    page: `/system/parts/${encodeURIComponent(part!)}`,
  }),
  disk: () => ({
    what: 'the disk is low: no message from outside is accepted',
    works: 'What was accepted is kept and handled.',
    command: 'doctor app.ts',
    page: '/system',
  }),
}

const moreWords = ({ kind, count }: Finding): Parts => ({
  what: `${count} more alerts of the kind "${kind}" are not sent one by one`,
  works: 'All that is not named here is handled.',
  command:
    kind === 'question' ? 'flows questions app.ts' : kind === 'behind' ? 'processors app.ts' : 'desk groups app.ts',
  page: kind === 'question' ? '/inbox' : kind === 'behind' || kind === 'paused' ? '/system' : '/desk',
})

const stateWords: Readonly<Record<Exclude<Finding['state'], null>, string>> = {
  live: 'behind',
  behind: 'behind',
  probing: 'probing, because its last attempts failed',
  stuck: 'stuck',
  paused: 'paused',
}

const many = (count: number, what: string) => `${count} ${what}${count === 1 ? '' : 's'}`

const units = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1_000],
] as const

/** A duration in the largest unit that it is a whole number of. */
function time(ms: number | false): string {
  for (const [unit, size] of units) if (ms !== false && ms >= size && ms % size === 0) return many(ms / size, unit)
  return `${ms} ms`
}
