import { fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { perform } from './perform.ts'
import type { Figures, Task } from './task.ts'

/** What a child process answers. */
export type Answer = { figures: Figures } | { error: string }

/** Runs a task on the files in a folder. */
export type Measure = (task: Task, folder: string) => Promise<Figures>

const worker = fileURLToPath(import.meta.resolve('./worker.ts'))

/** A run that takes this much longer than it should, plus `msPerEvent` for each event it has to write, hangs. */
const graceMs = 60_000
/** What a run that hangs has to end what it has started. */
const endMs = 1_000
const msPerEvent = 0.2
/** The same for each step of the flows that are under way at once, of which the slowest peer needs some 10. */
const msPerStep = 20

const limitMs = (task: Task): number =>
  graceMs +
  ('measureMs' in task ? 2 * task.measureMs : 0) +
  ('events' in task ? ('msPerEvent' in task ? task.msPerEvent : msPerEvent) * task.events : 0) +
  ('steps' in task && 'inFlight' in task ? msPerStep * task.steps * task.inFlight : 0) +
  ('held' in task ? msPerEvent * task.held : 0)

/** Runs a task in a fresh process, so that compiled code and heap of one run are not those of the next. */
export const inChild: Measure = (task, folder) => inChildBy(worker, task, folder)

/** The same by the worker of another checkout. */
export async function inChildBy(worker: string, task: Task, folder: string): Promise<Figures> {
  const child = fork(worker, [JSON.stringify({ task, folder })], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  const exited = once(child, 'exit')
  const answer = await Promise.race([
    once(child, 'message').then(([message]) => message as Answer),
    exited.then(([code, signal]): Answer => ({ error: `the process ended early (${signal ?? `exit code ${code}`})` })),
    sleep(limitMs(task), undefined, { ref: false }).then(
      (): Answer => ({ error: `no end within ${limitMs(task)} ms` }),
    ),
  ])
  if ('error' in answer && child.connected) {
    child.disconnect()
    await Promise.race([exited, sleep(endMs, undefined, { ref: false })])
  }
  // Kill -9 at once: a stranded log is meant to be left like that, and all others have closed their files.
  child.kill('SIGKILL')
  await exited
  if ('error' in answer) throw new Error(answer.error)
  return answer.figures
}

/** Runs a task here, which is quick but not a fair measurement; what is to be killed still has its own process. */
export const here: Measure = (task, folder) =>
  task.by === 'strand' || task.by === 'restart' ? inChild(task, folder) : perform(task, folder)
