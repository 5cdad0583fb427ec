// Requests to other systems, over node:http and node:https.
//
//   checked → connecting ──→ sent ──→ answered: its status has come, and up to 16 KB of its body
//      └─────────┴→ not sent   └→ unknown: no status has come
//
// A host that is not allowed by name is reached by TLS and at public addresses only. Names are looked up once, the
// addresses checked, and these dialled; an address in the URL is checked itself. No redirect is followed. Connections
// are kept per host, apart for hosts that are allowed and hosts that are not: a connection that was made without a check
// is not used for a request that needs one.
import { type LookupAddress, type LookupOptions, lookup } from 'node:dns'
import type { Agent, ClientRequest, IncomingMessage, RequestOptions } from 'node:http'
import { isIP } from 'node:net'
import { answerBytesMax, type Sending, type Sent } from '../../model/sending.ts'
import { isPublic } from './addresses.ts'
import { outside } from './late-errors.ts'

const agentOptions = {
  keepAlive: true,
  keepAliveMsecs: 30_000,
  maxSockets: 128,
  maxTotalSockets: 512,
  maxFreeSockets: 8,
}

interface Client {
  request(url: URL, options: RequestOptions): ClientRequest
  /** Connections to hosts that are allowed by name, and to others. */
  readonly agents: { readonly allowed: Agent; readonly checked: Agent }
}

const clients = new Map<string, Promise<Client>>()

/** Loaded with the first request: an app that sends none does not pay for it. */
async function load(protocol: string): Promise<Client> {
  const { request, Agent } = protocol === 'https:' ? await import('node:https') : await import('node:http')
  return { request, agents: { allowed: new Agent(agentOptions), checked: new Agent(agentOptions) } }
}

function clientOf(protocol: string): Promise<Client> {
  let client = clients.get(protocol)
  if (client === undefined) {
    client = load(protocol)
    clients.set(protocol, client)
  }
  return client
}

/** Looks a name up and gives the addresses of it that may be dialled. */
export type LookUp = (name: string, options: LookupOptions, done: Done) => void
type Done = (error: NodeJS.ErrnoException | null, address: string | LookupAddress[], family?: number) => void

/** Makes the sender of a world. `resolve` looks names up. */
export function sender(resolve: LookUp = lookup as LookUp): (request: Sending) => Promise<Sent> {
  const publicOnly: LookUp = (name, options, done) =>
    resolve(name, { ...options, all: true }, (error, found) => {
      if (error !== null) return done(error, [])
      const addresses = (found as LookupAddress[]).filter(({ address }) => isPublic(address))
      const [first] = addresses
      if (first === undefined) return done(notPublic(name), [])
      return options.all === true ? done(null, addresses) : done(null, first.address, first.family)
    })
  return async (request) => {
    const { url, allow } = request
    const host = url.hostname.replace(/^\[|\]$/g, '')
    const allowed = allow.includes(host)
    const refused = allowed ? undefined : reasonAgainst(url, host)
    if (refused !== undefined) return refused
    const client = await clientOf(url.protocol)
    const options = { agent: client.agents[allowed ? 'allowed' : 'checked'], lookup: allowed ? resolve : publicOnly }
    const { within = (fn) => fn() } = request
    const once = () => outside(() => within(() => exchange(request, client, options as RequestOptions)))
    const first = await once()
    // The other side has closed a connection that was kept, as it may at any time: nothing was answered.
    return first === 'closed before' ? ((await once()) as Sent) : first
  }
}

function reasonAgainst(url: URL, host: string): Sent | undefined {
  if (url.protocol !== 'https:') {
    return notSent('millrace/not-public', `${url.host} is reached without TLS: use https, or name the host in allow`)
  }
  return isIP(host) !== 0 && !isPublic(host) ? notSent('millrace/not-public', notPublic(host).message) : undefined
}

const notPublic = (host: string): NodeJS.ErrnoException =>
  Object.assign(new Error(`${host} has no public address; where that is meant, name the host in allow`), {
    code: 'millrace/not-public',
  })

const notSent = (code: string, why: string): Sent => ({ is: 'not sent', code, why })

/** Sockets that have connected: a request may get one that another has opened. */
const established = new WeakSet<object>()

function exchange(request: Sending, client: Client, options: RequestOptions): Promise<Sent | 'closed before'> {
  const { url, headers, body, timeoutMs, signal } = request
  return new Promise((resolve) => {
    let connected = false
    let reused = false
    let answer: IncomingMessage | undefined
    const kept: Buffer[] = []
    let bytes = 0
    const sending = client.request(url, {
      ...options,
      method: 'POST',
      headers: {
        'accept-encoding': 'identity',
        'user-agent': 'millrace',
        ...headers,
        'content-length': Buffer.byteLength(body),
      },
    })
    const end = (result: Sent | 'closed before') => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', aborted)
      resolve(result)
    }
    const answered = () => {
      const { statusCode, headers: names, complete } = answer!
      const texts = Object.entries(names).map(([name, value]) => [
        name,
        Array.isArray(value) ? value.join(', ') : `${value}`,
      ])
      const text = Buffer.concat(kept).subarray(0, answerBytesMax).toString()
      end({ is: 'answered', status: statusCode!, headers: Object.fromEntries(texts), body: text, cut: !complete })
    }
    const failed = (error: NodeJS.ErrnoException) => {
      const { code = 'failed', message } = error
      if (answer !== undefined) answered()
      else if (reused && code === 'ECONNRESET') end('closed before')
      else if (connected) end({ is: 'unknown', code, why: message })
      else end(notSent(code, message))
    }
    const give = (code: string, why: string) => sending.destroy(Object.assign(new Error(why), { code }))
    const timer = setTimeout(() => give('ETIMEDOUT', `no answer within ${timeoutMs} ms`), timeoutMs)
    const aborted = () => give('ABORT_ERR', 'the attempt is over')
    signal?.addEventListener('abort', aborted)
    sending.on('socket', (socket) => {
      reused = established.has(socket)
      connected = reused
      if (reused) return
      socket.once(url.protocol === 'https:' ? 'secureConnect' : 'connect', () => {
        established.add(socket)
        connected = true
      })
    })
    sending.on('error', failed)
    sending.on('response', (response) => {
      answer = response
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length
        kept.push(chunk)
        // The connection ends with it: reading on would cost as much as the other side likes to send.
        if (bytes > answerBytesMax) sending.destroy()
      })
      response.on('error', () => {})
      response.on('close', answered)
    })
    sending.end(body)
    if (signal?.aborted) aborted()
  })
}
