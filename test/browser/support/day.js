// Runs in the page before its own code: the clock, the stream and the answers of the server are in the hands of the test, so
// that a day of pulses takes a minute. `day.pulses(…)` lets them come.
{
  const { setInterval: realInterval, clearInterval: realClear, fetch: realFetch, Date: RealDate } = globalThis
  let now = RealDate.now()

  globalThis.Date = class extends RealDate {
    constructor(...given) {
      if (given.length === 0) super(now)
      else super(...given)
    }
    static now = () => now
  }

  // Timers by number; few are set at any time.
  const timers = new Map()
  let last = 0
  const set = (run, ms, every) => {
    timers.set(++last, { run, at: now + Math.max(1, ms ?? 0), every })
    return last
  }
  globalThis.setTimeout = (run, ms, ...given) => set(() => run(...given), ms, undefined)
  globalThis.setInterval = (run, ms, ...given) => set(() => run(...given), ms, ms)
  globalThis.clearTimeout = (id) => timers.delete(id)
  globalThis.clearInterval = globalThis.clearTimeout

  const pass = (ms) => {
    const until = now + ms
    for (;;) {
      let next
      for (const [id, timer] of timers) if (timer.at <= until && !(next?.timer.at <= timer.at)) next = { id, timer }
      if (next === undefined) break
      const { id, timer } = next
      now = Math.max(now, timer.at)
      if (timer.every === undefined) timers.delete(id)
      else timer.at += timer.every
      timer.run()
    }
    now = until
  }

  /** Streams that are open. Nothing comes by them but what the test says. */
  const streams = []
  globalThis.EventSource = class {
    static CLOSED = 2
    readyState = 1
    heard = new Map()
    constructor() {
      streams.push(this)
    }
    addEventListener(name, hear) {
      this.heard.set(name, hear)
    }
    say(name, data) {
      this.heard.get(name)?.({ data: JSON.stringify(data) })
    }
  }

  // An answer is asked of the server once. Counters in it move with the time, so that no two answers are the same.
  const answers = new Map()
  globalThis.fetch = async (url, options) => {
    if (options?.method !== 'GET') return realFetch(url, options)
    if (!answers.has(url)) {
      const response = await realFetch(url, options)
      answers.set(url, {
        status: response.status,
        type: response.headers.get('content-type'),
        text: await response.text(),
      })
    }
    const { status, type, text } = answers.get(url)
    const moved = text.replace(/"(handled|sumMs|time)":\d+/g, (_, name) => `"${name}":${name === 'time' ? now : count}`)
    return { ok: status < 400, status, headers: { get: () => type }, text: async () => moved }
  }

  const { port1, port2 } = new MessageChannel()
  let resume
  port1.onmessage = () => resume()
  const turn = () =>
    new Promise((resolve) => {
      resume = resolve
      port2.postMessage(0)
    })

  let count = 0
  const real = realInterval(() => pass(10), 10)

  globalThis.day = {
    /** So many pulses, a second apart, while the addresses are shown one after the other. */
    async pulses(addresses, pulses) {
      realClear(real)
      for (let n = 0; n < pulses; n++) {
        count++
        if (n % Math.ceil(pulses / addresses.length) === 0) {
          history.pushState(null, '', addresses[Math.floor((n * addresses.length) / pulses)])
          dispatchEvent(new PopStateEvent('popstate'))
        }
        const stream = streams.at(-1)
        if (count % 60 === 0) for (const name of ['desk', 'question', 'operation']) stream.say(name, {})
        stream.say('pulse', { parts: [count], health: 'green', reasons: [] })
        pass(500)
        await turn()
        pass(500)
        await turn()
      }
      return count
    },
  }
}
