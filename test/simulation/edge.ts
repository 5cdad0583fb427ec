// Clients that come over HTTP, in random applications: they call the fetch handler of the app, in every form of an event,
// as batches that are right and wrong, with commands, and with webhooks that are signed and forged. A client sends again
// with the same id, whether it was answered or not. What each answer says is compared with the disk at once.
import assert from 'node:assert/strict'
import type { App, Destination, Event, Part } from 'millrace'
import type { Client, Random } from 'millrace/testing'
import { gateway } from '../../src/http/gateway.ts'
import { hook } from '../../src/http/hook.ts'
import { github, githubSignature } from '../../src/http/webhooks.ts'
import type { RequestState } from '../../src/model/requests.ts'
import type { Data } from './generate.ts'
import type { Logged } from './model.ts'
import { together } from './names.ts'

/** The model, as it judges what clients are told. */
export interface EdgeHost {
  /** The app of the process that runs. */
  app(): App | undefined
  /** The message with an id, as it is on disk. */
  message(id: string): Logged | undefined
  /** Collects the states of a request that are on disk from now on. */
  states(id: string): { readonly seen: ReadonlySet<RequestState | undefined>; end(): void }
  /** Calls a check whose failure ends the run. */
  heard(check: () => void): void
}

const forms = [
  'plain',
  'binary',
  'structured',
  'batch',
  'bad batch',
  'lenient batch',
  'hook',
  'forged hook',
  'command',
] as const
type Form = (typeof forms)[number]

interface One {
  readonly id: string
  readonly data: unknown
}

/** What a client sends, always the same under the same name. */
interface Sending {
  readonly form: Form
  readonly on: Destination
  readonly type: string
  /** The events or the command, with their ids in the log. */
  readonly all: readonly One[]
}

const sendingsMax = 10
const sendsMax = 30
/** So that their data differ from those of others. */
const from = 700
const secret = 'hush'
const source = '/elsewhere'
const restTries = 50

const json = 'application/json'
const [event, batch] = ['application/cloudevents+json', 'application/cloudevents-batch+json']
const isWrong = ({ data }: One) => typeof (data as Data).n !== 'number'

export class EdgeClients {
  private readonly host: () => EdgeHost
  private readonly sendings: readonly Sending[]
  private readonly hooked: Event | undefined

  constructor(on: readonly Destination[], host: () => EdgeHost, { keys, random }: { keys: number; random: Random }) {
    this.host = host
    const topics = on.filter(({ kind }) => kind === 'topic')
    this.hooked = topics[0]?.types[0] as Event | undefined
    const dataOf = (n: number): Data => ({ key: `k${random.below(keys)}`, n: from + n })
    this.sendings = Array.from({ length: 2 + random.below(sendingsMax) }, (_, n) => {
      const form = random.pick(forms)
      const places = form.endsWith('hook') ? topics.slice(0, 1) : form === 'command' ? on : topics
      const place = random.pick(places.filter(({ kind }) => (kind === 'channel') === (form === 'command')))
      // Not each app has a channel.
      if (place === undefined)
        return { form: 'plain', on: topics[0]!, type: this.hooked!.name, all: [{ id: `edge-${n}`, data: dataOf(n) }] }
      const type = form.endsWith('hook')
        ? this.hooked!.name
        : random.pick(place.types as readonly { name: string }[]).name
      const ids = form.endsWith('hook')
        ? [`hooked/${n}`]
        : form === 'batch'
          ? together(from + n, 2 + random.below(3))
          : form.endsWith('batch')
            ? [`edge-${n}a`, `edge-${n}b`, `edge-${n}c`]
            : [`edge-${n}`]
      const wrong = form === 'bad batch' || form === 'lenient batch' ? 1 : -1
      return {
        form,
        on: place,
        type,
        all: ids.map((id, at) => ({ id, data: at === wrong ? { key: 'k0', n: 'one' } : dataOf(n) })),
      }
    })
  }

  /** The part by which webhooks come in. */
  parts(): readonly Part[] {
    if (this.hooked === undefined) return []
    return [hook('hooked', { verify: github({ secret }), publishes: this.hooked, data: (body) => body as never })]
  }

  work(clients: readonly Client[], draw: Random): void {
    for (let n = draw.below(sendsMax); n >= 0; n--) {
      const sending = draw.pick(this.sendings)
      const client = draw.pick(clients)
      const what = `${sending.form} ${sending.all[0]!.id} over HTTP`
      const waitSeconds = draw.pick([undefined, 0, 60])
      client.act(what, async () => {
        const app = this.host().app()
        if (app !== undefined) await this.send(app, sending, waitSeconds)
      })
      if (draw.chance(0.3)) client.wait(draw.below(1_000))
    }
  }

  /** Sends each once more when nothing is under way, until it is answered. */
  async atRest(app: App): Promise<void> {
    for (const sending of this.sendings) {
      for (let tries = 1; !(await this.send(app, sending, undefined)); tries++)
        assert(tries < restTries, `${sending.form} is not taken`)
    }
  }

  /** Whatever was sent: all that is right is there, and nothing that is wrong. */
  complete(): void {
    const { message } = this.host()
    for (const { form, all } of this.sendings) {
      for (const one of all) {
        const isRefused = form === 'forged hook' || form === 'bad batch' || isWrong(one)
        assert.equal(message(one.id) === undefined, isRefused, `${one.id} of a ${form}`)
      }
    }
  }

  /** Returns whether the answer is final. */
  private async send(app: App, sending: Sending, waitSeconds: number | undefined): Promise<boolean> {
    const host = this.host()
    const { form, all } = sending
    const states = form === 'command' ? host.states(all[0]!.id) : undefined
    const before = all.filter(({ id }) => host.message(id) !== undefined)
    const response = await gateway(app, { access: () => ({ name: 'edge', grants: [{ role: 'sender' }] }) })(
      requestOf(sending, waitSeconds),
    )
    const text = await response.text()
    states?.end()
    // A process that has died answers nobody: its connections are broken.
    if (response.status === 500 && host.app() !== app) return false
    let isFinal = true
    host.heard(() => {
      const body = text === '' ? {} : JSON.parse(text)
      isFinal = judge({ host, sending, before }, { status: response.status, body }, states?.seen)
    })
    return isFinal
  }
}

function requestOf({ form, on, type, all }: Sending, waitSeconds: number | undefined): Request {
  const [first] = all as [One]
  const structured = ({ id, data }: One) => ({ specversion: '1.0', id, source, type, data })
  const post = (path: string, headers: Record<string, string>, value: unknown) =>
    new Request(`http://simulated.example${path}`, { method: 'POST', headers, body: JSON.stringify(value) })
  const events = `/events/${on.name}`
  switch (form) {
    case 'plain':
      return post(`${events}?type=${type}`, { 'content-type': json, 'idempotency-key': first.id }, first.data)
    case 'binary': {
      const attributes = { 'ce-specversion': '1.0', 'ce-id': first.id, 'ce-source': source, 'ce-type': type }
      return post(events, { 'content-type': json, ...attributes }, first.data)
    }
    case 'structured':
      return post(events, { 'content-type': event }, structured(first))
    case 'batch':
    case 'bad batch':
      return post(events, { 'content-type': batch }, all.map(structured))
    case 'lenient batch':
      return post(events, { 'content-type': batch, prefer: 'handling=lenient' }, all.map(structured))
    case 'command': {
      const prefer: Record<string, string> = waitSeconds === undefined ? {} : { prefer: `wait=${waitSeconds}` }
      const headers = { 'content-type': json, 'idempotency-key': first.id, ...prefer }
      return post(`/commands/${on.name}/${type}`, headers, first.data)
    }
    default: {
      const id = first.id.slice('hooked/'.length)
      const signature = githubSignature(form === 'hook' ? secret : 'a guess', JSON.stringify(first.data))
      const headers = { 'content-type': json, 'x-github-delivery': id, 'x-hub-signature-256': signature }
      return post('/hooks/hooked', headers, first.data)
    }
  }
}

interface Asked {
  readonly host: EdgeHost
  readonly sending: Sending
  /** Those that were on disk before. */
  readonly before: readonly One[]
}

interface Told {
  readonly status: number
  readonly body: {
    readonly code?: string
    readonly state?: RequestState
    readonly accepted?: unknown
    readonly results?: unknown
  }
}

interface Taken {
  readonly id: string
  readonly duplicate?: boolean
  readonly status?: number
}

/** Throws where an answer says what is not so; returns whether it is final. */
function judge(
  asked: Asked,
  { status, body }: Told,
  states: ReadonlySet<RequestState | undefined> | undefined,
): boolean {
  const { sending } = asked
  const { form, all } = sending
  const what = `${form} ${all[0]!.id} is answered with ${status} ${body.code ?? ''}`
  // Too busy, or no longer there: it may be repeated.
  if (status === 503) return false
  if (form === 'forged hook') assert.equal(status, 401, what)
  else if (form === 'bad batch') assert.equal(status, 422, what)
  else if (form === 'lenient batch') {
    assert.equal(status, 207, what)
    const results = body.results as readonly Taken[]
    assert.equal(results.length, all.length)
    for (const [n, one] of all.entries()) {
      const mayComeLater = results[n]!.status === 503
      if (isWrong(one)) assert.equal(results[n]!.status, 422, what)
      else if (mayComeLater) return false
      else taken(asked, one, results[n]!, what)
    }
  } else if (form === 'command') {
    onDisk(asked, all[0]!, what)
    const state =
      { 204: 'replied', 422: 'refused', 409: body.code?.endsWith('withdrawn') ? 'withdrawn' : 'discarded' }[status] ??
      body.state
    if (state !== undefined) assert(states!.has(state as RequestState), `${what}, ${state}, and was ${[...states!]}`)
    assert([202, 204, 422, 409].includes(status), what)
  } else {
    assert.equal(status, 202, what)
    const accepted = body.accepted as readonly Taken[]
    assert.equal(accepted.length, all.length, what)
    for (const [n, one] of all.entries()) taken(asked, one, accepted[n]!, what)
  }
  return true
}

function taken(asked: Asked, one: One, { id, duplicate = false }: Taken, what: string): void {
  assert.equal(id, one.id, what)
  onDisk(asked, one, what)
  if (asked.before.includes(one)) assert(duplicate, `${what} as new, and was there before`)
}

function onDisk({ host, sending }: Asked, { id, data }: One, what: string): void {
  const message = host.message(id)
  assert(message !== undefined, `${what}, and ${id} is not on disk`)
  assert.deepEqual([message.type, JSON.parse(message.json)], [sending.type, data], `${what}, as ${id}`)
}
