// News from the server, once for all tabs of a browser.
//
//   tab ──has the lock──→ leader: holds the stream, tells the others by a channel
//       ──waits for it──→ listens to the channel; becomes the leader when that tab is closed
//
// A browser opens six connections to a server, so one stream for each tab would leave the seventh without its document.
// The stream names what has changed, and each tab reads what it shows. Where there is no stream, each tab that is seen
// looks again by itself every few seconds.
import { type Signal, signal } from '@preact/signals'
import type { Pulse } from '../http/live/reading.ts'
import { base } from './router.ts'

/** What has changed: something at the desk, a question, an operation, the counters of the processors, or the time. */
export type Kind = 'desk' | 'question' | 'operation' | 'work' | 'time'
const kinds: readonly Kind[] = ['desk', 'question', 'operation', 'work', 'time']

/** Each grows when what it names may have changed: at most once a second, and not while the page is hidden. */
export const news = Object.fromEntries(kinds.map((kind) => [kind, signal(0)])) as Readonly<Record<Kind, Signal<number>>>
/** Whether the server is reached, and the time of the last word from it, milliseconds since 1970. */
export const reached = signal({ is: true, at: Date.now() })
/** The time, for what says how long ago something was; moves every ten seconds. */
export const now = signal(Date.now())

type Said = Kind | 'all' | 'alive' | 'lost' | 'no stream'

const lookMs = 3_000
const newsMs = 1_000
const name = `millrace${base}`

const waiting = new Set<Kind>()
let told = 0
let timer: ReturnType<typeof setTimeout> | undefined

/** Something has changed: what shows it looks again. */
export function changed(what: Kind | 'all' = 'all'): void {
  for (const kind of kinds) if (what === 'all' || what === kind) waiting.add(kind)
  if (document.hidden) return
  if (timer === undefined) timer = setTimeout(tell, Math.max(0, told + newsMs - Date.now()))
}

function tell(): void {
  timer = undefined
  told = Date.now()
  const all = [...waiting]
  waiting.clear()
  for (const kind of all) news[kind].value++
}

export function heard(): void {
  const at = Date.now()
  if (!reached.peek().is || at - reached.peek().at > newsMs) reached.value = { is: true, at }
}

export function lost(): void {
  if (reached.peek().is) reached.value = { is: false, at: reached.peek().at }
}

/** Begins to listen, for as long as the page is open. */
export function listen(): void {
  let streaming = false
  const hear = (said: Said) => {
    streaming = said !== 'no stream'
    if (said === 'lost') return lost()
    if (!reached.peek().is) changed()
    heard()
    if (said !== 'alive' && said !== 'no stream') changed(said)
  }
  setInterval(() => {
    now.value = Date.now()
    changed('time')
  }, 10_000)
  setInterval(() => {
    if (!streaming || !reached.peek().is) changed()
  }, lookMs)
  document.addEventListener('visibilitychange', () => {
    now.value = Date.now()
    if (!document.hidden) changed(streaming && waiting.size === 0 ? 'work' : 'all')
  })
  const channel = new BroadcastChannel(name)
  channel.onmessage = ({ data }) => hear(data as Said)
  // Without locks (a page over plain HTTP from another machine) each tab looks by itself.
  void navigator.locks?.request(name, () =>
    lead((said) => {
      channel.postMessage(said)
      hear(said)
    }),
  )
}

/** Holds the stream until this tab is closed. */
function lead(say: (said: Said) => void): Promise<void> {
  let counters = ''
  const open = () => {
    const stream = new EventSource(`${base}/api/stream`)
    stream.addEventListener('pulse', ({ data }) => {
      const { parts, health, reasons } = JSON.parse(data) as Pulse
      const counted = JSON.stringify([parts, health, reasons])
      say(counted === counters ? 'alive' : 'work')
      counters = counted
    })
    for (const kind of ['desk', 'question', 'operation'] as const) stream.addEventListener(kind, () => say(kind))
    stream.addEventListener('reset', () => say('all'))
    stream.onerror = () => {
      if (stream.readyState !== EventSource.CLOSED) return say('lost')
      // The server refuses the stream: nobody is signed in, or too many watch.
      say('no stream')
      setTimeout(open, 30_000)
    }
  }
  return new Promise(open)
}
