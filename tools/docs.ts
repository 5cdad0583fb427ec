// Writes the pages that are made of the code: docs/errors.md, docs/defaults.md and docs/api. Tests hold them together.
import { readFileSync, writeFileSync } from 'node:fs'
import { errors } from '../src/model/errors.ts'
import { appNumbers, type Bound, defaults, edgeNumbers, type Limit, serverNumbers } from '../src/model/options.ts'
import { apiPages } from './api.ts'

type Place =
  | 'request'
  | 'command'
  | 'processor'
  | 'retry'
  | 'desk'
  | 'app'
  | 'start'
  | 'stop'
  | 'deliver'
  | 'alerts'
  | 'gather'
  | 'sqlite'
  | 'postgres'
  | 'gateway'
  | 'serve'
  | 'fixed'

const places: Readonly<Record<Place, string>> = {
  processor: '`processor(name, { … })`',
  retry: '`processor(name, { retry: { … } })`',
  desk: '`desk(name, { … })`',
  command: '`command(name, { … })`',
  deliver: '`deliver(name, { timeoutMs })`',
  alerts: '`alerts(name, { when: { … }, calmMs })`',
  request: '`app.request(…, { timeoutMs })`',
  app: '`app({ … })`',
  start: '`app.start({ … })`',
  stop: '`app.stop({ … })`',
  gather: '`gather(name, { … })`',
  sqlite: '`sqlite({ … })`',
  postgres: '`postgres({ … })`',
  gateway: '`gateway(app, { … })`, `app.serve({ … })`',
  serve: '`app.serve({ … })`',
  fixed: 'fixed',
}

function allIn<Name extends string, In extends Place>(numbers: Readonly<Record<Name, Bound>>, place: In) {
  return Object.fromEntries(Object.keys(numbers).map((name) => [name, place])) as Record<Name, In>
}

/** Where each default may be set otherwise. */
export const placeOf: Readonly<Record<Limit, Place>> = {
  ...allIn(appNumbers, 'app'),
  ...allIn(edgeNumbers, 'gateway'),
  ...allIn(serverNumbers, 'serve'),
  concurrency: 'processor',
  timeoutMs: 'processor',
  lingerMs: 'processor',
  attempts: 'retry',
  immediate: 'retry',
  firstDelayMs: 'retry',
  maxDelayMs: 'retry',
  factor: 'retry',
  jitter: 'retry',
  probeAfter: 'processor',
  probeFirstMs: 'processor',
  probeEveryMs: 'processor',
  probeMaxMs: 'processor',
  answerMs: 'deliver',
  closedMs: 'alerts',
  behindMs: 'alerts',
  questionMs: 'alerts',
  calmMs: 'alerts',
  deadlineMs: 'command',
  decideMs: 'desk',
  decisionsMax: 'desk',
  rulesAtOnce: 'desk',
  requestMs: 'request',
  graceMs: 'stop',
  waitMs: 'start',
  commitQueriesMax: 'sqlite',
  walBytesMax: 'sqlite',
  checkpointBytes: 'sqlite',
  diskFreeMinBytes: 'sqlite',
  lockedMs: 'sqlite',
  count: 'gather',
  bytes: 'gather',
  afterMs: 'gather',
  window: 'gather',
  scheduleGraceMs: 'fixed',
  missedMax: 'fixed',
  slotAttemptsMax: 'fixed',
  entries: 'fixed',
  commitTurnsMax: 'fixed',
  leaseMs: 'postgres',
  commitMs: 'postgres',
  flushFunctionsMax: 'fixed',
  flushMs: 'fixed',
  flushBytes: 'fixed',
  pageBytes: 'fixed',
}

const classes: Readonly<Record<string, string>> = {
  ConfigurationError: 'The declarations of the app do not fit together. Raised before anything runs.',
  DataError: 'A message, or a value bound to a statement, is not as it has to be.',
  StateError: 'What was asked for does not go now, or not with what was named.',
  StoreError: 'The file or the disk says no.',
  AccessError: 'Over HTTP: nobody knows who asks, or who asks may not do it.',
  HandlerError: 'A handler or commit function broke one of its rules: the attempt has failed.',
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}

/** The text of docs/errors.md. */
export function errorsPage(): string {
  const sections = Object.entries(classes).map(([name, about]) => {
    const rows = Object.entries(errors).filter(([, row]) => row.class === name)
    const cells = rows.map(([code, { retryable, help }]) => [`\`${code}\``, retryable ? 'yes' : 'no', help])
    return `## ${name}\n\n${about}\n\n${table(['code', 'retryable', 'help'], cells)}\n`
  })
  return `# Errors

Every error of Millrace has a \`code\` from this page, a \`message\` that says what happened, \`help\` that says what to do,
\`retryable\` (whether the same call may succeed later without a change by its caller) and, where there are facts to the
case, \`data\`. Recognise it with \`isMillraceError(error, 'millrace/bad-data')\`, never by its message.

The page is written by \`node tools/docs.ts\` from \`src/model/errors.ts\`.

${sections.join('\n')}`
}

/** The text of docs/defaults.md. */
export function defaultsPage(): string {
  const rows = Object.entries(defaults).map(([name, bound]: [string, Bound]) => [
    `\`${name}\``,
    places[placeOf[name as Limit]],
    bound.optional ? 'none' : amount(bound.default),
    `${amount(bound.min)} to ${amount(bound.max)}`,
    bound.what,
  ])
  return `# Defaults and bounds

Every number that Millrace assumes: where it may be set otherwise, what it is when it is not, and within which bounds. A
value outside them is refused with \`millrace/bad-option\` when it is declared. All are whole numbers where nothing
else is said; the name ends with the unit. The page is written by \`node tools/docs.ts\` from \`src/model/options.ts\`.

${table(['name', 'set in', 'default', 'bounds', 'what'], rows)}
`
}

function amount(value: number): string {
  return value.toLocaleString('en-US')
}

/** The pages, by their path in the repository. */
export const pages: Readonly<Record<string, () => string>> = {
  'docs/errors.md': errorsPage,
  'docs/defaults.md': defaultsPage,
}

if (import.meta.main) {
  const texts = Object.entries(pages).map(([path, page]) => [path, page()] as const)
  for (const [path, text] of [...texts, ...Object.entries(apiPages())]) {
    const url = new URL(`../${path}`, import.meta.url)
    if (readFileSync(url, { encoding: 'utf8', flag: 'a+' }) === text) continue
    writeFileSync(url, text)
    console.log(`wrote ${path}`)
  }
}
