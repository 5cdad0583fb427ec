// A day of a page in half a minute. What stands in for the browser: the clock with its timers, the stream, and requests
// to the API. Each second the stream tells of a changed counter. A request is answered at once with what the real server
// answered to the first of its kind, with that counter in it. Requests of other methods do not occur. All else is real:
// the dashboard as it is built, what it does at a pulse and at a change of page, its rendering, and the heap of Chromium.
import type { Page } from 'playwright-core'
import { goTo } from './browser.ts'

/** Runs in the page before its own code. Until the first `drive` its clock follows the real one. */
export function standIn(): void {
  interface Timer {
    readonly id: number
    readonly every: number | undefined
    readonly run: () => void
    at: number
  }
  const real = { setInterval: setInterval.bind(globalThis), fetch: fetch.bind(globalThis), Date }
  let driven = false
  let time = Date.now()
  let lastId = 0
  const timers = new Map<unknown, Timer>()
  const add = (run: () => void, ms = 0, every?: number) => {
    timers.set(++lastId, { id: lastId, at: time + Math.max(0, ms), every, run })
    return lastId
  }
  const remove = (id: unknown) => void timers.delete(id)
  const until = async (end: number) => {
    for (;;) {
      let next: Timer | undefined
      for (const timer of timers.values()) if (next === undefined || timer.at < next.at) next = timer
      if (next === undefined || next.at > end) break
      time = Math.max(time, next.at)
      if (next.every === undefined) remove(next.id)
      else next.at += next.every
      next.run()
      // What it has begun ends: the answers, and the rendering after them.
      for (let n = 0; n < 30; n++) await undefined
    }
    time = Math.max(time, end)
  }

  let pulses = 0
  let hear: ((event: MessageEvent) => void) | undefined
  const pulse = () => {
    const data = { at: time, health: 'green', reasons: [], parts: [{ name: 'till', handled: ++pulses }] }
    hear?.(new MessageEvent('pulse', { data: JSON.stringify(data) }))
  }
  const answers = new Map<string, Pick<Response, 'ok' | 'status' | 'headers' | 'text'>>()
  const answered = async (path: string, init: RequestInit) => {
    const response = await real.fetch(path, init)
    const first = await response.text()
    const { ok, status, headers } = response
    const answer = { ok, status, headers, text: async () => first.replaceAll(/"handled":\d+/g, `"handled":${pulses}`) }
    answers.set(path, answer)
    return answer
  }
  Object.assign(globalThis, {
    Date: class extends real.Date {
      constructor(...given: []) {
        if (given.length === 0) super(time)
        else super(...given)
      }
      static override now = () => time
    },
    setTimeout: (run: () => void, ms?: number) => add(run, ms),
    setInterval: (run: () => void, ms = 0) => add(run, ms, ms),
    requestAnimationFrame: (run: (at: number) => void) => add(() => run(time), 16),
    clearTimeout: remove,
    clearInterval: remove,
    cancelAnimationFrame: remove,
    fetch: async (path: string, init: RequestInit) => answers.get(path) ?? answered(path, init),
    EventSource: class {
      addEventListener(name: string, listener: (event: MessageEvent) => void) {
        if (name === 'pulse') hear = listener
      }
    },
    drive: async (ms: number) => {
      driven = true
      await until(time + ms)
      driven = false
      return pulses
    },
  })
  add(pulse, 1_000, 1_000)
  real.setInterval(() => {
    if (!driven) void until(time + 20)
  }, 20)
}

/** Shows a page for so many seconds of its own clock. Returns the number of pulses so far. */
export async function drive(page: Page, { path, seconds }: { path: string; seconds: number }): Promise<number> {
  await goTo(page, path)
  return page.evaluate(`drive(${seconds * 1_000})`)
}
