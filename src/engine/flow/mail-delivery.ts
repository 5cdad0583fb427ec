// Mail: events that flows of a context may wait for. It is in the store from the commit that brings it, and stays there
// after a flow has had it: other flows of the context may wait for it too.
//
// A flow is offered what it waits for: when its wait is written, when mail of its context is written, when it is made.
//
//   not offered ──offer──→ asking the store ──has one──→ told, until it rests ──→ asking the store again
//        ↑                       │ └──offered meanwhile──→ asking the store again
//        └───────has none────────┘
//
// Invariants: one delivery to a flow at a time; a flow gets the mails of a type in the order of their numbers, each once.
import type { Stored } from '../../model/codec.ts'
import type { FlowRow } from '../../model/flow-views.ts'
import type { Message } from '../../model/message.ts'
import { carriedBy } from '../../model/trace.ts'
import type { Mail, Mailbox } from '../../seam/mail.ts'

/** How many flows of a context are looked up at once. */
const sliceFlows = 256

/** A flow in memory, as mail needs it. */
export interface MailTaker {
  readonly id: number
  readonly row: Pick<FlowRow, 'mediator' | 'context'>
  readonly status: { readonly isDismissed: boolean }
  readonly inbox: {
    readonly works: boolean
    /** The number of the last mail of a type that it has had. */
    mailHad(type: string): number
  }
  readonly outside: {
    /** The types that it waits for now. */
    readonly awaited: ReadonlySet<string>
    /** Returns whether it took it. */
    mail(n: number, message: Message): boolean
  }
  readonly host: { prompted(trace: string | null): void }
  /** Resolves when it has come to rest. */
  input(apply: () => void): Promise<void>
}

/** What mail needs of the flows. */
export interface MailHost<Run extends MailTaker> {
  readonly mail: Mailbox
  /** A flow in memory. */
  find(id: number): Run | undefined
  /** Makes a flow where it is not in memory; then it is offered mail. */
  load(id: number): Promise<unknown>
  /** Uses a flow, which is made where it is not in memory. Undefined where it is not under way. */
  withRun<T>(id: number, use: (run: Run) => T): Promise<T | undefined>
  /** Writes what a flow has left. */
  flush(run: Run): Promise<void>
  messageOf(stored: Stored): Message
  /** Work of the flows, which is counted. */
  during(work: () => Promise<void>): Promise<void>
}

export class MailDelivery<Run extends MailTaker> {
  private readonly host: MailHost<Run>
  /** Flows that are offered mail, and whether they are to be offered it once more. */
  private readonly offered = new Map<number, 'once' | 'again'>()

  constructor(host: MailHost<Run>) {
    this.host = host
  }

  /** Mail has come for the flows of a context. A queued flow looks into the mailbox when it has its turn. */
  written(mediator: string, context: string, type: string): void {
    void this.host.during(() => this.tellAll(mediator, context, type))
  }

  private async tellAll(mediator: string, context: string, type: string): Promise<void> {
    const { host } = this
    for (let last = 0; ; ) {
      const slice = await host.mail.underWay(mediator, context, last, sliceFlows)
      const loads: Promise<unknown>[] = []
      for (const id of slice) {
        const run = host.find(id)
        // One that does not wait for it looks into the mailbox when it does.
        if (run === undefined) loads.push(host.load(id))
        else if (run.inbox.works || run.outside.awaited.has(type)) this.offer(run)
      }
      if (slice.length < sliceFlows) return
      await Promise.all(loads)
      last = slice.at(-1)!
    }
  }

  /** Gives a flow the mail that it waits for, the oldest first, as long as it takes one. */
  offer({ id, row: { context }, outside: { awaited } }: Run): void {
    // One that begins to wait while this is done looks into the mailbox by itself.
    if (context === null || awaited.size === 0) return
    if (this.offered.has(id)) this.offered.set(id, 'again')
    else void this.host.during(() => this.deliver(id))
  }

  private async deliver(id: number): Promise<void> {
    try {
      do {
        this.offered.set(id, 'once')
        let told: Run | undefined
        // The next one when this has come to rest, as at a replay: it may have decided a race.
        for (let run = await this.deliverOne(id); run !== undefined; run = await this.deliverOne(id)) told = run
        if (told !== undefined && !told.status.isDismissed) await this.host.flush(told)
      } while (this.offered.get(id) === 'again')
    } finally {
      this.offered.delete(id)
    }
  }

  /** Gives the flow that was told; undefined where there is nothing for it. */
  private async deliverOne(id: number): Promise<Run | undefined> {
    const waiting = await this.host.withRun(id, (run) => run)
    if (waiting === undefined || waiting.status.isDismissed) return undefined
    const mail = await this.nextFor(waiting)
    if (mail === undefined) return undefined
    const message = this.host.messageOf(mail.message)
    const told = await this.host.withRun(id, (run) => ({
      run,
      rests: run.input(() => {
        if (run.outside.mail(mail.n, message)) run.host.prompted(carriedBy(mail.message))
      }),
    }))
    if (told === undefined) return undefined
    await told.rests
    return told.run
  }

  private async nextFor(run: Run): Promise<Mail | undefined> {
    const { context, mediator } = run.row
    for (const type of run.outside.awaited) {
      const mail = await this.host.mail.next(mediator, context!, type, run.inbox.mailHad(type))
      if (mail !== undefined) return mail
    }
    return undefined
  }
}
