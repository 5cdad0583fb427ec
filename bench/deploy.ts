import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Figures } from './task.ts'

/** The messages of a process that serves, and dies: each comes once, in this order. Times are milliseconds since 1970. */
export type Served =
  | { readonly is: 'starting' }
  | { readonly is: 'serving'; readonly firstMs: number }
  | { readonly is: 'stopped'; readonly lastMs: number }

const program = fileURLToPath(import.meta.resolve('./deploy-process.ts'))

/** The old process serves for so long before it is told to stop. */
const servesMs = 500

/**
 * A deployment: the new process waits for the file while the old one serves, then the old one is told to stop. The time
 * from the last acknowledgement of the old one to the first of the new one.
 */
export async function millraceDeploy(folder: string): Promise<Figures> {
  const processes: ChildProcess[] = []
  const begin = () => {
    const child = fork(program, [folder], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
    processes.push(child)
    return child
  }
  try {
    const before = begin()
    await told(before, 'serving')
    const after = begin()
    await told(after, 'starting')
    await sleep(servesMs)
    const serving = told(after, 'serving')
    const stopped = told(before, 'stopped')
    before.kill('SIGTERM')
    const [{ lastMs }, { firstMs }] = await Promise.all([stopped, serving])
    return { gapMs: firstMs - lastMs }
  } finally {
    for (const child of processes) child.kill('SIGKILL')
  }
}

async function told<Is extends Served['is']>(child: ChildProcess, is: Is): Promise<Extract<Served, { is: Is }>> {
  for (;;) {
    const [message] = (await Promise.race([once(child, 'message'), ended(child)])) as [Served]
    if (message.is === is) return message as Extract<Served, { is: Is }>
  }
}

async function ended(child: ChildProcess): Promise<never> {
  const [code, signal] = await once(child, 'exit')
  throw new Error(`a process of the deployment ended early (${signal ?? `exit code ${code}`})`)
}
