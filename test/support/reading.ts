// Reads a page as its user does: writes its files and does its commands, from its top to its end.
import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type Block, commandsIn, fileIn, type Stage, type Step, saysSo } from './blocks.ts'

export function write(folder: string, { name, code }: { readonly name: string; readonly code: string }): void {
  const path = join(folder, name)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, code)
}

/** Where commands run. */
export interface Place {
  readonly folder: string
  readonly env: NodeJS.ProcessEnv
}

interface Ended {
  readonly status: number
  readonly said: string
  /** Where it has left the shell. */
  readonly folder: string
}

const end = '\n-- ended in '

export function shell(command: string, { folder, env }: Place): Promise<Ended> {
  const script = `{ ${command}\n} 2>&1; status=$?; printf '${end.replace('\n', '\\n')}%s' "$PWD"; exit $status`
  return new Promise((resolve) => {
    execFile('/bin/sh', ['-c', script], { cwd: folder, env }, (error, output) => {
      const at = output.lastIndexOf(end)
      const status = typeof error?.code === 'number' ? error.code : error === null ? 0 : 1
      if (at < 0) resolve({ status, said: output, folder })
      else resolve({ status, said: output.slice(0, at), folder: output.slice(at + end.length) })
    })
  })
}

/** The time after which something that a page waits for does not come any more. */
const patienceMs = 100_000

/** A command that does not end by itself. */
class LeftRunning {
  readonly #command: string
  readonly #child
  readonly #closed: Promise<unknown>
  readonly #says = new EventEmitter()
  #said = ''
  #hasEnded = false

  constructor(command: string, { folder, env }: Place) {
    this.#command = command
    // Detached: it is the head of a group of its own, which npm and the like fill with more processes.
    const stdio = ['ignore', 'pipe', 'inherit'] as const
    const options = { cwd: folder, env, stdio: [...stdio], detached: true }
    this.#child = spawn('/bin/sh', ['-c', `exec ${command} 2>&1`], options)
    this.#child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      this.#said += text
      this.#says.emit('said')
    })
    this.#closed = once(this.#child, 'close').then(() => {
      this.#hasEnded = true
      this.#says.emit('said')
    })
  }

  /** Waits until it has said this, and forgets what it has said. */
  async says(what: string, isSaid: (said: string) => boolean): Promise<void> {
    while (!isSaid(this.#said)) {
      const but = () => `has said\n${this.#said}\nand not\n${what}`
      assert(!this.#hasEnded, `${this.#command}\n\nhas ended; it ${but()}`)
      await once(this.#says, 'said', { signal: AbortSignal.timeout(patienceMs) }).catch((cause) => {
        throw new Error(`${this.#command}\n\nruns; it ${but()}`, { cause })
      })
    }
    this.#said = ''
  }

  async stop(): Promise<void> {
    try {
      if (!this.#hasEnded) process.kill(-this.#child.pid!, 'SIGTERM')
    } catch (error) {
      // It has just ended by itself.
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
    await this.#closed
  }
}

export class Reading {
  readonly #place: Place
  /** Where commands run. */
  #cwd: string
  readonly #stage: Stage
  #running: LeftRunning | undefined
  readonly files = new Map<string, string>()
  readonly commands: string[] = []

  constructor(place: Place, stage: Stage) {
    this.#place = place
    this.#cwd = place.folder
    this.#stage = stage
  }

  async step(step: Step): Promise<void> {
    if (step.kind === 'happens') await this.#happens(step.what)
    else if (step.way.is === 'said') await this.#isSaid(step.text)
    else if (step.way.is !== 'run') return
    else if (step.language === 'ts') {
      const file = fileIn(step.text)
      this.files.set(file.name, file.code)
      write(this.#place.folder, file)
    } else await this.#run(step)
    await this.#stage.idle?.()
  }

  async #happens(what: string): Promise<void> {
    if (what === 'what runs is stopped') return await this.stop()
    const happen = this.#stage.steps[what]
    assert(happen !== undefined, `the stage of the page has no step "${what}"`)
    await happen()
  }

  async #isSaid(text: string): Promise<void> {
    assert(this.#running !== undefined, 'nothing runs that could say this')
    await this.#running.says(text, (said) => saysSo(said, `…\n${text}`, 'begins'))
  }

  async #run({ language, text, way }: Block): Promise<void> {
    const { runsOn, status } = way as Extract<Block['way'], { is: 'run' }>
    const all = commandsIn(language, text)
    for (const [at, { command, says }] of all.entries()) {
      this.commands.push(command)
      const place = { folder: this.#cwd, env: this.#place.env }
      if (runsOn?.after !== undefined || (runsOn && at === all.length - 1)) {
        await this.stop()
        this.#running = new LeftRunning(command, place)
        const { after = says ?? '' } = runsOn
        const isSaid = (said: string) => (runsOn.after ? said.includes(after) : saysSo(said, after, 'begins'))
        await this.#running.says(after, isSaid)
      } else {
        const ended = await shell(command, place)
        this.#cwd = ended.folder
        if (says === undefined) assert.equal(ended.status, status, `${command}\n\n${ended.said}`)
        else assert(saysSo(ended.said, says), `${command}\n\nsaid\n${ended.said}\nand not\n${says}`)
      }
    }
  }

  /** Ends what was left running. */
  async stop(): Promise<void> {
    const running = this.#running
    this.#running = undefined
    await running?.stop()
  }

  /** The files that a command of the page runs. */
  named(): string[] {
    const tests = [...this.files.keys()].filter((name) => name.endsWith('.test.ts'))
    const words = this.commands.flatMap((command) => command.split(/\s+/))
    const isTested = this.commands.some((command) => /(node --test|npm test|npm t)$/.test(command))
    return [...this.files.keys()].filter((name) => words.includes(name) || (isTested && tests.includes(name)))
  }
}
