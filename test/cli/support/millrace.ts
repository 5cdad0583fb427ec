// The command, as somebody at a terminal would use it.
import { type ChildProcess, fork, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { Asked } from './serving.ts'

const bin = fileURLToPath(new URL('../../../bin/millrace.js', import.meta.url))
/** So that not every one of the many processes compiles all anew. */
const compileCache = fileURLToPath(new URL('../../../node_modules/.cache/millrace-cli-tests', import.meta.url))
/** The app of these tests as a file. */
export const appFile: string = fileURLToPath(new URL('../mill-app.ts', import.meta.url))

export interface Done {
  /** The exit status, or the name of the signal that ended it. */
  readonly status: number | string
  readonly out: string
  readonly err: string
}

export interface Surroundings {
  readonly input?: string | Buffer
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
}

/** A command that runs: what it says, line by line, and how it ends. */
export class Running {
  readonly process: ChildProcess
  readonly done: Promise<Done>
  private out = ''
  private err = ''
  private over = false
  private waiting: {
    readonly said: (text: string) => boolean
    readonly resolve: () => void
    reject(e: Error): void
  }[] = []

  constructor(args: readonly string[], { input, cwd, env }: Surroundings = {}) {
    this.process = spawn(process.execPath, [bin, ...args], {
      cwd,
      // Apps of tests that run side by side would want the same port.
      env: { ...process.env, NO_COLOR: undefined, NODE_COMPILE_CACHE: compileCache, MILLRACE_PORT: 'none', ...env },
      stdio: 'pipe',
    })
    this.process.stdin!.on('error', () => {})
    if (input !== undefined) this.process.stdin!.end(input)
    this.process.stdout!.setEncoding('utf8').on('data', (text: string) => {
      this.out += text
      this.look()
    })
    this.process.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.err += text
      this.look()
    })
    this.done = new Promise((resolve, reject) => {
      this.process.on('error', reject)
      this.process.on('close', (code, signal) => {
        this.over = true
        this.look()
        resolve({ status: code ?? signal!, out: this.out, err: this.err })
      })
    })
  }

  /** Resolves when it has said this on standard output or standard error. */
  says(what: string | RegExp): Promise<void> {
    return new Promise((resolve, reject) => {
      const said = (text: string) => (typeof what === 'string' ? text.includes(what) : what.test(text))
      this.waiting.push({ said, resolve, reject })
      this.look()
    })
  }

  lines(): string[] {
    return linesOf(this.out)
  }

  private look(): void {
    const text = this.out + this.err
    this.waiting = this.waiting.filter(({ said, resolve, reject }) => {
      if (said(text)) resolve()
      else if (this.over) reject(new Error(`the command ended without saying it; it said:\n${text}`))
      else return true
      return false
    })
  }
}

/** Commands that are their process: they handle signals, end it, or replace what it has. */
const alone: ReadonlySet<string> = new Set(['start', 'dev', 'simulate'])

/**
 * Runs a command to its end, with nothing on standard input unless given: in a process of its own where that matters, else
 * in one that runs commands one after the other.
 */
export function millrace(args: readonly string[], surroundings: Surroundings = {}): Promise<Done> {
  const { input = '', cwd = process.cwd(), env } = surroundings
  const isAlone = env !== undefined || args[0] === undefined || args[0].startsWith('-') || alone.has(args[0])
  return isAlone ? new Running(args, { input, ...surroundings }).done : served({ args, input, cwd })
}

let server: ChildProcess | undefined
const waiting: { resolve(done: Done): void; reject(error: Error): void }[] = []

/** The process that runs commands: it holds this one only while a command runs, and ends with it. */
function serving(): ChildProcess {
  if (server !== undefined) return server
  const child = fork(fileURLToPath(new URL('serving.ts', import.meta.url)), {
    execArgv: ['--conditions=millrace-source', '--import', imports],
    env: { ...process.env, NO_COLOR: undefined, NODE_COMPILE_CACHE: compileCache, MILLRACE_PORT: 'none' },
    serialization: 'advanced',
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  child.on('message', (done: Done) => {
    waiting.shift()!.resolve(done)
    if (waiting.length === 0) hold(child, 'unref')
  })
  child.on('exit', (code) => {
    if (server === child) server = undefined
    for (const { reject } of waiting.splice(0)) reject(new Error(`the process that runs commands ended with ${code}`))
  })
  server = child
  return child
}

function hold(child: ChildProcess, how: 'ref' | 'unref'): void {
  child[how]()
  child.channel![how]()
}

function served(asked: Asked): Promise<Done> {
  const child = serving()
  hold(child, 'ref')
  return new Promise((resolve, reject) => {
    waiting.push({ resolve, reject })
    child.send(asked)
  })
}

/** Begins a command; what is left of it is killed at the end of the test. */
export function begin(t: TestContext, args: readonly string[], surroundings: Surroundings = {}): Running {
  const running = new Running(args, surroundings)
  t.after(async () => {
    running.process.kill('SIGKILL')
    await running.done
  })
  return running
}

const main = new URL('../../../src/cli/main.ts', import.meta.url).href
const imports = new URL('../../../tools/imports.js', import.meta.url).href
const oneAfterTheOther = `import { main } from '${main}'
const write = process.stdout.write.bind(process.stdout)
const all = []
for (const args of JSON.parse(process.argv[1])) {
  const said = { status: 0, out: '', err: '' }
  process.stdout.write = (text) => (said.out += text) !== ''
  process.stderr.write = (text) => (said.err += text) !== ''
  said.status = await main(args)
  all.push(said)
}
write(JSON.stringify(all), () => process.exit(0))`

/** Runs commands one after the other in one process: where many are tried, most of the time goes into their starts. */
export async function millraces<const C extends readonly (readonly string[])[]>(
  commands: C,
  { cwd, env }: Surroundings = {},
): Promise<{ -readonly [N in keyof C]: Done }> {
  const options = ['--conditions=millrace-source', '--import', imports, '--input-type=module', '-e', oneAfterTheOther]
  const child = spawn(process.execPath, [...options, JSON.stringify(commands)], {
    cwd,
    // Apps of tests that run side by side would want the same port.
    env: { ...process.env, NO_COLOR: undefined, NODE_COMPILE_CACHE: compileCache, MILLRACE_PORT: 'none', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let said = ''
  for await (const chunk of child.stdout.setEncoding('utf8')) said += chunk
  return JSON.parse(said)
}

export function linesOf(text: string): string[] {
  return text.split('\n').filter((line) => line !== '')
}

export function objectsOf(text: string): Record<string, unknown>[] {
  return linesOf(text).map((line) => JSON.parse(line))
}

/** A folder of its own, removed at the end of the test. */
export function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'millrace-cli-'))
  t.after(() => rmSync(path, { recursive: true, force: true }))
  return path
}
