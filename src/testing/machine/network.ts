// The network of a simulated process: its requests arrive at functions of the test, after a moment, or go wrong.
//
//   sent ──refused──→ not sent
//     ├──lost before it arrives──────────────→ unknown
//     ├──arrives, once or twice, also late──→ answered in time ──→ answered
//     │                                    └→ too late, or lost ──→ unknown
//     └──its process dies: it may arrive, and nobody hears of the answer
import type { Answer, Sending, Sent } from '../../model/sending.ts'
import type { NetworkFault } from '../faults.ts'
import type { Random } from '../random.ts'
import type { Life, Scheduler } from '../scheduler.ts'

/** A request as it arrives at the other side. */
export interface Arrived {
  readonly url: string
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** The answer of the other side. */
export interface Answered {
  readonly status: number
  /** By lower-case name; default: none. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** Default: empty. */
  readonly body?: string | undefined
}

/** The other side: answers, at once or later, or throws, which breaks the connection without an answer. */
export type Network = (request: Arrived) => Answered | Promise<Answered>

export interface NetworkHost {
  readonly life: Life
  readonly scheduler: Pick<Scheduler, 'after'>
  readonly random: Random
  readonly faults: { network(): NetworkFault | undefined }
  readonly network: Network | undefined
}

const latencyMsMax = 20
/** A request that is in the network arrives whether its process lives or not. */
const always: Life = { alive: true }

export function simulatedSend(host: NetworkHost): (request: Sending) => Promise<Sent> {
  const { life, scheduler, random, faults, network } = host
  const latency = () => random() * latencyMsMax
  const failed = (is: 'not sent' | 'unknown', code: string, why: string): Sent => ({ is, code, why })
  return ({ url, headers, body, timeoutMs, signal }) =>
    new Promise((resolve) => {
      const end = (sent: Sent) => resolve(sent)
      const soon = (sent: Sent) => void scheduler.after(latency(), life, () => end(sent))
      if (network === undefined) {
        return soon(failed('not sent', 'ENETUNREACH', 'the simulation has no network: give it the option network'))
      }
      const broken = failed('unknown', 'ECONNRESET', 'the connection broke off')
      const fault = faults.network()
      if (fault === 'refused') return soon(failed('not sent', 'ECONNREFUSED', `${url.host} refuses the connection`))
      if (fault === 'lost') return soon(broken)
      const timedOut = failed('unknown', 'ETIMEDOUT', `no answer within ${timeoutMs} ms`)
      scheduler.after(timeoutMs, life, () => end(timedOut))
      signal?.addEventListener('abort', () => end(failed('unknown', 'ABORT_ERR', 'the attempt is over')))
      const arrived = { url: url.href, headers: Object.freeze({ ...headers }), body }
      const answer = async (): Promise<Sent> => {
        try {
          const { status, headers: names = {}, body: text = '' } = await network(arrived)
          return fault === 'answerLost' ? broken : answerOf({ status, headers: names, body: text, cut: false })
        } catch {
          return broken
        }
      }
      const arrives = (ms: number) => scheduler.after(ms, always, () => void answer().then(soon))
      arrives(fault === 'late' ? random() * 2 * timeoutMs : latency())
      if (fault === 'twice') arrives(random() * 2 * timeoutMs)
    })
}

const answerOf = (answer: Answer): Sent => ({ is: 'answered', ...answer })
