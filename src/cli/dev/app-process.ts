// The process of an app that is being developed, as `millrace dev` sees it.
//
//   running ──it ends by itself, or is asked to──→ ended
//
// One that is asked to end and does not, for example because a handler blocks it, is killed after its grace period.
import { type ChildProcess, fork } from 'node:child_process'
import type { Loaded } from './files.ts'

/** The time beyond its grace period after which a process is killed, milliseconds. */
const killMs = 2_000

export class AppProcess {
  /** Resolves with its exit status, or the name of the signal that ended it. */
  readonly ended: Promise<number | string>
  private readonly child: ChildProcess

  /** @param args the words of a command of `millrace` */
  constructor(args: readonly string[], loaded: (loaded: Loaded) => void) {
    this.child = fork(process.argv[1]!, args, { stdio: 'inherit' })
    this.child.on('message', (message) => loaded(message as Loaded))
    this.ended = new Promise((resolve) => {
      this.child.on('error', (error) => resolve(error.message))
      this.child.on('exit', (code, signal) => resolve(code ?? signal ?? 'unknown'))
    })
  }

  /** Asks it to end, and resolves when it has. */
  async end(signal: NodeJS.Signals, graceMs: number): Promise<void> {
    this.child.kill(signal)
    const kill = setTimeout(() => this.child.kill('SIGKILL'), graceMs + killMs)
    await this.ended
    clearTimeout(kill)
  }
}
