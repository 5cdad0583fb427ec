import { type ChildProcess, spawn } from 'node:child_process'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** A program of this folder as a process of its own, which talks in lines. */
export class Child {
  readonly lines: string[] = []
  errors = ''
  readonly ended: Promise<Ended>
  private readonly process: ChildProcess
  private over = false
  private rest = ''
  private waiting: { readonly start: string; readonly resolve: (line: string) => void; reject(error: Error): void }[] =
    []

  constructor(command: string, args: readonly string[]) {
    this.process = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] })
    this.process.stdout!.setEncoding('utf8').on('data', (text: string) => this.take(text))
    this.process.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.errors = (this.errors + text).slice(-20_000)
    })
    this.process.stdin!.on('error', () => {})
    this.ended = new Promise((resolve, reject) => {
      this.process.on('error', reject)
      this.process.on('close', (code, signal) => {
        this.over = true
        for (const { start, reject } of this.waiting) reject(this.noSuchLine(start))
        resolve({ code, signal })
      })
    })
  }

  get pid(): number {
    return this.process.pid!
  }

  /** The first line that begins so, whether it came already or comes later. */
  line(start: string): Promise<string> {
    const found = this.lines.find((line) => line.startsWith(start))
    if (found !== undefined) return Promise.resolve(found)
    if (this.over) return Promise.reject(this.noSuchLine(start))
    return new Promise((resolve, reject) => this.waiting.push({ start, resolve, reject }))
  }

  say(line: string): void {
    this.process.stdin!.write(`${line}\n`)
  }

  kill(signal: NodeJS.Signals = 'SIGKILL'): void {
    this.process.kill(signal)
  }

  private take(text: string): void {
    const lines = (this.rest + text).split('\n')
    this.rest = lines.pop()!
    for (const line of lines) {
      this.lines.push(line)
      this.waiting = this.waiting.filter(({ start, resolve }) => {
        if (!line.startsWith(start)) return true
        resolve(line)
        return false
      })
    }
  }

  private noSuchLine(start: string): Error {
    return new Error(`the process ended without a line "${start}"; it said:\n${this.lines.join('\n')}\n${this.errors}`)
  }
}

/** The arguments with which Node.js runs a program of this folder. */
export function programArgs(name: string, ...args: readonly string[]): string[] {
  const imports = new URL('../../../tools/imports.js', import.meta.url).href
  const options = ['--conditions=millrace-source', '--import', imports]
  return [...options, fileURLToPath(new URL(`./${name}.ts`, import.meta.url)), ...args]
}

/** Starts a program of this folder; it is killed at the end of the test if it still runs. */
export function run(t: TestContext, name: string, ...args: readonly string[]): Child {
  const child = new Child(process.execPath, programArgs(name, ...args))
  t.after(async () => {
    child.kill()
    await child.ended
  })
  return child
}
