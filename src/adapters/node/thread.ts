import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads'
import { fault } from '../../model/errors.ts'
import { messageOf } from '../../model/people.ts'

/** What a thread of ours may keep, MB: mostly next to nothing. */
const oldMbDefault = 32

/** What is told about a thread, on its parent's side. */
export interface ThreadListener<Answer> {
  answer?(answer: Answer): void
  /** It has failed; its end follows. */
  failed?(error: unknown): void
  /** It has ended, and every answer of it was told. */
  ended?(): void
}

export interface Thread {
  post(question: unknown): void
  /** Whether it keeps the process alive; at first it does. */
  ref(): void
  unref(): void
  terminate(): void
}

/** What each thread gets as `workerData`, beside data of its own. */
export type ThreadData<Data> = Data & { readonly port: MessagePort }

/**
 * Starts a thread of ours, by the place of its code, whatever options the process itself was started with. The two talk over a port of their own:
 * on `parentPort` anybody may post, as `node --watch` and modules loaded by `NODE_OPTIONS` do, and what they post would be
 * taken for an answer.
 *
 * @throws `millrace/threads-missing`
 */
export function startThread<Answer = never>(
  code: URL,
  data: object,
  { answer, failed, ended }: ThreadListener<Answer> = {},
  oldMb = oldMbDefault,
): Thread {
  const { port1: ours, port2: port } = new MessageChannel()
  let worker: Worker
  try {
    const workerData = { ...data, port } satisfies ThreadData<object>
    const resourceLimits = { maxOldGenerationSizeMb: oldMb, maxYoungGenerationSizeMb: 2 }
    worker = new Worker(code, { workerData, transferList: [port], execArgv: [], resourceLimits })
  } catch (cause) {
    ours.close()
    throw missing(cause)
  }
  if (answer !== undefined) ours.on('message', answer)
  // The thread itself keeps the process alive, as long as it is to.
  ours.unref()
  worker.on('error', (error: NodeJS.ErrnoException) => {
    failed?.(notStarted.has(error?.code) ? missing(error) : error)
  })
  worker.on('exit', () => {
    for (let last = receiveMessageOnPort(ours); last !== undefined; last = receiveMessageOnPort(ours)) {
      answer?.(last.message as Answer)
    }
    ours.close()
    ended?.()
  })
  return {
    post: (question) => ours.postMessage(question),
    ref: () => worker.ref(),
    unref: () => worker.unref(),
    terminate: () => void worker.terminate(),
  }
}

const notStarted = new Set<unknown>(['MODULE_NOT_FOUND', 'ERR_MODULE_NOT_FOUND', 'ERR_WORKER_INIT_FAILED'])

function missing(cause: unknown) {
  const why = messageOf(cause)
  return fault('millrace/threads-missing', `a thread of Millrace cannot be started: ${why}`, { cause })
}
