// Watches the beat of the main thread. When the beat stops, it reads the stack of that thread and reports what runs
// there. The process ends even if the stack cannot be read.
import { writeSync } from 'node:fs'
import { type Debugger, type InspectorNotification, Session } from 'node:inspector'
import { workerData } from 'node:worker_threads'

const { shared, everyMs, blockedMs, looks } = workerData as {
  shared: Int32Array
  everyMs: number
  blockedMs: number
  looks: number
}

/** The time to wait for the stack, milliseconds. During a system call there is no stack to read. */
const stackMs = 1_000
const framesShown = 4

let seen = -1
let without = 0
const looking = setInterval(() => {
  const beat = Atomics.load(shared, 0)
  const inspected = Atomics.load(shared, 1) === 1
  without = beat === seen && !inspected ? without + 1 : 0
  seen = beat
  if (without < looks) return
  clearInterval(looking)
  setTimeout(end, stackMs, 'native code of the system or a library')
  try {
    look(end)
  } catch (error) {
    end(`code that cannot be shown (${String(error)})`)
  }
}, everyMs)

function end(what: string): void {
  const why = 'the process ends, so that all other messages are handled after a restart'
  const line = `millrace error: the event loop was blocked for ${blockedMs} ms by ${what}; ${why}`
  writeSync(2, `${line.replace(/\p{Cc}+/gu, ' ')}\n`)
  process.kill(process.pid, 'SIGKILL')
}

/** Stops the main thread and reports the functions that run there, innermost first. */
function look(tell: (what: string) => void): void {
  const session = new Session()
  const scripts = new Map<string, string>()
  session.connectToMainThread()
  session.on('Debugger.scriptParsed', ({ params }: InspectorNotification<Debugger.ScriptParsedEventDataType>) => {
    scripts.set(params.scriptId, params.url)
  })
  session.on('Debugger.paused', ({ params }: InspectorNotification<Debugger.PausedEventDataType>) => {
    const frames = params.callFrames.slice(0, framesShown).map(({ functionName, location }) => {
      const place = `${scripts.get(location.scriptId) ?? '?'}:${location.lineNumber + 1}`
      return functionName === '' ? place : `${functionName} (${place})`
    })
    const rest = params.callFrames.length - frames.length
    tell(`${frames.join(' called by ')}${rest > 0 ? ` and ${rest} more` : ''}`)
  })
  session.post('Debugger.enable')
  session.post('Debugger.pause')
}
