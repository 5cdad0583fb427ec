// What can be done about one processor, in words.

import { signal } from '@preact/signals'
import { commandLine } from '../../model/command-line.ts'
import type { ProcessorRow } from '../../operate/processors.ts'
import { act } from '../client.ts'
import { count, quoted } from '../pure/words.ts'
import type { Doing } from './act.tsx'
import type { Exchange } from './answered.tsx'

export function pausing({ name, lag }: ProcessorRow): Doing {
  return {
    title: `Pause ${name}?`,
    will: `It starts nothing new. What it has to do waits${lag > 0 ? ` (${count(lag, 'message')} now)` : ''}; others go on.`,
    wont: 'Nothing is lost, and the order of each line stays. Attempts that run end first.',
    undo: 'Resume lets it go on.',
    command: commandLine(`processors pause app.ts ${quoted(name)}`),
    verb: `Pause ${name}`,
    reason: 'may',
    send: (reason) => act('/api/parts/{name}/pause', { name }, { reason }),
  }
}

export function resuming({ name, lag }: ProcessorRow): Doing {
  return {
    title: `Resume ${name}?`,
    will: `It goes on where it stopped${lag > 0 ? `, with ${count(lag, 'message')} to do` : ''}.`,
    command: commandLine(`processors resume app.ts ${quoted(name)}`),
    verb: `Resume ${name}`,
    reason: 'may',
    send: (reason) => act('/api/parts/{name}/resume', { name }, { reason }),
  }
}

/** @param sent is given the request and its answer */
export function testing(name: string, sent: (exchange: Exchange) => void): Doing {
  return {
    title: `Send a test to the endpoint of ${name}?`,
    will: 'An event of type millrace.test goes to the other system now. You see its answer.',
    wont: 'It is in no log, nothing repeats it, and it does not wait for the events of the part.',
    command: commandLine(`processors test app.ts ${quoted(name)}`),
    verb: 'Send a test',
    reason: 'may',
    send: async (reason) => sent(await act('/api/parts/{name}/test', { name }, { reason })),
  }
}

export function settingConcurrency({ name, concurrency, concurrencySet }: ProcessorRow): Doing {
  const most = signal(String(concurrencySet ?? concurrency ?? 1))
  return {
    title: `How many handlers of ${name} run at once?`,
    will: 'The number holds from now on, also after a restart, until it is set again. Each line stays in order.',
    undo: `Its code says ${concurrency ?? 'nothing'}: leave the field empty to return to that.`,
    command: commandLine(`processors set app.ts ${quoted(name)} --concurrency N`),
    verb: 'Set it',
    reason: 'may',
    fields: (
      <>
        <label for="most">Handlers at once, 1 to 10,000</label>
        <input
          id="most"
          inputMode="numeric"
          pattern="[0-9]*"
          defaultValue={most.value}
          onInput={(event) => (most.value = event.currentTarget.value.trim())}
        />
      </>
    ),
    send: (reason) => {
      const set = most.value === '' ? 'default' : Number(most.value)
      return act('/api/parts/{name}/set', { name }, { reason, concurrency: set })
    },
  }
}
