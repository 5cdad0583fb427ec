// Dashboards that are open on a server: each has a stream of its own and reads what its home page shows, as browsers on
// three machines would. They run in a process of their own.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { Agent, get, type IncomingMessage } from 'node:http'
import { fileURLToPath } from 'node:url'
import type { App } from 'millrace'

/** What the home page reads, and the events of the stream after which it reads again: see src/dashboard/data.ts. */
export const homeReads: Readonly<Record<string, readonly string[]>> = {
  '/api/parts': ['work', 'desk'],
  '/api/desk/counts': ['work', 'desk', 'operation'],
  '/api/desk/groups?limit=50': ['work', 'desk', 'operation'],
  '/api/desk/operations?limit=200': ['desk', 'operation'],
  '/api/questions': ['question'],
}

export interface Watched {
  /** Closes the dashboards; tells how many pulses they got and how many reads they made. */
  end(): Promise<{ readonly pulses: number; readonly reads: number }>
}

/** Opens so many dashboards on an app, and waits until each shows its page. */
export async function watch(app: App, dashboards: number): Promise<Watched> {
  const { url, token = '' } = await app.serve({ port: 0 })
  const child = fork(fileURLToPath(import.meta.url), [url, token, `${dashboards}`])
  const exited = once(child, 'exit')
  await message(child, exited)
  return {
    end: async () => {
      child.send('end')
      const told = (await message(child, exited)) as { pulses: number; reads: number }
      child.disconnect()
      await exited
      return told
    },
  }
}

async function message(child: ChildProcess, exited: Promise<unknown>): Promise<unknown> {
  const ended = exited.then((): never => {
    throw new Error('the dashboards ended early')
  })
  return (await Promise.race([once(child, 'message'), ended]))[0]
}

/** The process of the dashboards. */
async function open(url: string, token: string, dashboards: number): Promise<void> {
  const told = { pulses: 0, reads: 0 }
  // A browser has six connections to a server, and keeps them.
  const each = Array.from({ length: dashboards }, async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 6 })
    const headers = { authorization: `Bearer ${token}`, 'accept-encoding': 'gzip, deflate, br' }
    const ask = (path: string) =>
      new Promise<IncomingMessage>((resolve, reject) => {
        get(url + path, { agent, headers }, (answer) => {
          if (answer.statusCode === 200) return resolve(answer)
          reject(new Error(`${path} was answered with ${answer.statusCode}`))
        }).on('error', reject)
      })
    const reading = new Set<string>()
    const read = async (path: string) => {
      if (reading.has(path)) return
      reading.add(path)
      for await (const _ of await ask(path)) _
      reading.delete(path)
      told.reads++
    }
    const news = (kind: string) =>
      Promise.all(Object.keys(homeReads).map((path) => (homeReads[path]!.includes(kind) ? read(path) : undefined)))
    const stream = await ask('/api/stream')
    await Promise.all(Object.keys(homeReads).map(read))
    stream.setEncoding('utf8')
    stream.on('data', (text: string) => {
      for (const [, kind] of text.matchAll(/^event: (\w+)$/gm)) {
        if (kind === 'pulse') told.pulses++
        void news(kind === 'pulse' ? 'work' : kind!).catch(() => process.exit(1))
      }
    })
    await once(stream, 'data')
  })
  await Promise.all(each)
  process.send!('open')
  await once(process, 'message')
  process.send!(told)
  process.on('disconnect', () => process.exit())
}

if (import.meta.main) {
  const [, , url, token, dashboards] = process.argv
  await open(url!, token!, Number(dashboards))
}
