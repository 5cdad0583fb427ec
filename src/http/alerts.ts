// `alerts`: a part that watches the app, and sends what is not well to another system, as `deliver` sends events.
//
//   watched by engine/alert/ ──begins, ends──→ an event on the topic of alerts ──sent──→ the other system
//
// One event for a beginning and one for an end, each sent until it is taken, in this order: model/alerts.ts.
import type { RetryPolicy } from '../engine/consumer/retry.ts'
import { type AlertRaised, type AlertWatch, alertTopic } from '../model/alerts.ts'
import { checkOptions, limit, type Optional } from '../model/options.ts'
import { checkPart, checkRenamedFrom, type RenamedFrom } from '../parts/check.ts'
import type { Processor } from '../parts/processor.ts'
import { alertInSlack } from './alert-slack.ts'
import { type EventForm, eventBody, type Sent } from './deliver-event.ts'
import { bad, sender, targetOf } from './deliver-target.ts'
import type { Secrets } from './webhooks.ts'

/** What {@link alerts} watches. All of it by default; `false` leaves one out. */
export interface AlertConditions {
  /** A new group of held messages: of one processor, type and error. Default true. */
  readonly group?: boolean | undefined
  /** Lanes that are closed by held messages for so long, milliseconds, default 15 minutes: one alert for a processor. */
  readonly closedMs?: number | false | undefined
  /** A processor whose oldest message waits for so long, milliseconds, default 15 minutes, also while it is paused. */
  readonly behindMs?: number | false | undefined
  /** A question of a flow that nobody answers for so long, milliseconds, default 1 hour: one alert for a mediator. */
  readonly questionMs?: number | false | undefined
  /** A part that the app itself has paused, because its endpoint answered 410. Default true. */
  readonly paused?: boolean | undefined
  /** A disk so low that no message from outside is accepted. Default true. */
  readonly disk?: boolean | undefined
}

/** Options of {@link alerts}. */
export interface AlertsOptions {
  /** The address that it sends to, as of {@link deliver}. */
  readonly url: string | URL
  /** The secret by which requests are signed, as of {@link deliver}; none for Slack. */
  readonly secret?: Secrets | undefined
  /** Headers of each request, such as `authorization`. Default: none. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** Hosts that may be reached by `http`, and at addresses that are not public. Default: none. */
  readonly allow?: readonly string[] | undefined
  /** The form: CloudEvents as of {@link deliver}, or a message for an incoming webhook of Slack. Default `'structured'`. */
  readonly form?: EventForm | 'slack' | undefined
  /** Time for one request, milliseconds, 10 to 600,000, default 15,000. */
  readonly timeoutMs?: number | undefined
  /** The policy for repeating failed attempts, as of {@link deliver}. */
  readonly retry?: Optional<RetryPolicy> | undefined
  /** What it watches. Default: all. */
  readonly when?: AlertConditions | undefined
  /** Time for which it has to be well before an alert ends, milliseconds, 0 to 86,400,000, default 60,000. */
  readonly calmMs?: number | undefined
  /** The address of the pages of the app, to which alerts link, such as `https://ops.example/millrace`. Default: no links. */
  readonly baseUrl?: string | URL | undefined
  /** The earlier name of a part that was renamed, or a list of them, as of {@link processor}. */
  readonly renamedFrom?: RenamedFrom | undefined
}

const known = [
  'url',
  'secret',
  'headers',
  'allow',
  'form',
  'timeoutMs',
  'retry',
  'when',
  'calmMs',
  'baseUrl',
  'renamedFrom',
]

/**
 * Declares a part that tells another system what is not well in the app, by a signed webhook or in Slack: a new group of
 * held messages, lanes that stay closed, a part that stays behind, a question that nobody answers, an endpoint that is
 * gone, a low disk.
 *
 * Each incident is told twice: `alert.raised` when it begins, `alert.ended` when it is well again for `calmMs`. Both are
 * events that are written with the state of the alert in one transaction, so a crash repeats neither and forgets neither;
 * they are sent in order, at least once, as {@link deliver} sends events. A group that is snoozed is quiet: its alert ends,
 * and begins anew if messages are held when the snooze is over. Of each kind at most 10 alerts are raised at once, and one
 * for the rest. An alert has names, numbers and times, and no data of messages.
 *
 * The app is looked at every 10 seconds. What begins and ends between two looks is not told. An app that does not run
 * tells nothing: watch its `/health` from outside.
 *
 * @param name a name as of `event`, unique in the app
 * @param options the address and the secret, what to watch, and how long
 * @returns a processor, a part of an app
 * @throws `millrace/bad-name`, `millrace/bad-option`, `millrace/unknown-option`
 *
 * @example
 * ```ts
 * const ops = alerts('ops', {
 *   url: 'https://ops.example/hooks/millrace',
 *   secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
 *   when: { closedMs: 5 * 60_000, questionMs: false },
 * })
 * ```
 */
export function alerts(name: string, options: AlertsOptions): Processor {
  const where = checkPart('alerts', name, options, known)
  const { url, secret, headers, allow, form = 'structured', timeoutMs, ...rest } = options
  // What was told under an earlier name is sent all the same.
  const names = [name, ...checkRenamedFrom(where, name, rest.renamedFrom)]
  if (form === 'slack' && secret !== undefined) throw bad(where, 'Slack checks no signature: leave out secret')
  const { retry, renamedFrom } = rest
  const target = {
    ...targetOf(where, { url, secret, headers, allow, timeoutMs }),
    body: bodyOf(where, form),
    to: undefined,
    wants: ({ data }: { readonly data: unknown }) => names.includes((data as AlertRaised).watch),
  }
  const types = alertTopic.types.map((type) => type.name)
  const watch = watchOf(where, rest)
  return Object.freeze({ ...sender(name, target, { on: alertTopic as never, types, retry, renamedFrom }), watch })
}

function bodyOf(where: string, form: EventForm | 'slack') {
  if (form === 'slack') return alertInSlack
  if (form === 'structured' || form === 'binary') return (leaving: Sent) => eventBody(leaving, form)
  throw bad(where, `form is ${JSON.stringify(form)}, but must be 'structured', 'binary' or 'slack'`)
}

function watchOf(where: string, { when = {}, calmMs, baseUrl }: Partial<AlertsOptions>): AlertWatch {
  const at = `${where}: when`
  checkOptions(at, when, ['group', 'closedMs', 'behindMs', 'questionMs', 'paused', 'disk'])
  const flag = (option: 'group' | 'paused' | 'disk') => {
    const value = when[option] ?? true
    if (typeof value === 'boolean') return value
    throw bad(at, `${option} must be true or false`)
  }
  const time = (option: 'closedMs' | 'behindMs' | 'questionMs') => {
    const value = when[option]
    return value === false ? value : limit(at, option, value)
  }
  return Object.freeze({
    group: flag('group'),
    closedMs: time('closedMs'),
    behindMs: time('behindMs'),
    questionMs: time('questionMs'),
    paused: flag('paused'),
    disk: flag('disk'),
    calmMs: limit(where, 'calmMs', calmMs),
    baseUrl: baseUrl === undefined ? undefined : checkBase(where, baseUrl),
  })
}

function checkBase(where: string, given: string | URL): string {
  const base = URL.canParse(String(given)) ? new URL(given) : undefined
  if (base === undefined || !/^https?:$/.test(base.protocol)) {
    throw bad(
      where,
      `baseUrl is ${JSON.stringify(given)}, but must be an address, such as https://ops.example/millrace`,
    )
  }
  return `${base.origin}${base.pathname}`.replace(/\/+$/, '')
}
