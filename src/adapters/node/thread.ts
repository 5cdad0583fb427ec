import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads'
import { fault } from '../../model/errors.ts'
import { messageOf } from '../../model/people.ts'

/** The memory bound of a thread of ours, MB; most threads keep next to nothing. */
const oldMbDefault = 32

/** The callbacks for events of a thread, on its parent's side. */
export interface ThreadListener<Answer> {
  answer?(answer: Answer): void
  /** The thread has failed; `ended` follows. */
  failed?(error: unknown): void
  /** The thread has ended, and all its answers were delivered. */
  ended?(): void
}

export interface Thread {
  post(question: unknown): void
  /** Makes it keep the process alive, which is the default. */
  ref(): void
  unref(): void
  terminate(): void
}

/** The `workerData` of each thread, with its own data. */
export type ThreadData<Data> = Data & { readonly port: MessagePort }

/**
 * Starts a thread of ours by the place of its code, whatever the options of the process. Both sides talk over a port of
 * their own. On `parentPort` other code may post too, as `node --watch` and modules loaded by `NODE_OPTIONS` do, and
 * its messages would be taken for answers.
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
  // The thread itself keeps the process alive for as long as it should.
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
