// What can be done about one flow, in words.
import { commandLine } from '../../model/command-line.ts'
import type { FlowItem } from '../../operate/flows.ts'
import { act } from '../client.ts'
import { quoted } from '../pure/words.ts'
import { go } from '../router.ts'
import type { Doing } from './act.tsx'

type Flow = Pick<FlowItem, 'id' | 'state' | 'mediator' | 'steps'>

export function pausing({ id }: Flow): Doing {
  return {
    title: 'Pause this flow?',
    will: 'It begins no further step. Its commands that are under way run to their end; their replies wait.',
    undo: 'Resume lets it continue.',
    command: commandLine(`flows pause app.ts ${id}`),
    verb: 'Pause',
    reason: 'may',
    send: (reason) => act('/api/flows/{id}/pause', { id }, { reason }),
  }
}

export function resuming({ id, state }: Flow): Doing {
  return {
    title: 'Resume this flow?',
    will:
      state === 'stuck'
        ? 'It tries the step again at which it is stuck.'
        : 'It continues with the code of today, from the step that it had come to.',
    wont: 'Steps that are done are not done again.',
    command: commandLine(`flows resume app.ts ${id}`),
    verb: 'Resume',
    reason: 'may',
    send: (reason) => act('/api/flows/{id}/resume', { id }, { reason }),
  }
}

export function cancelling({ id, steps }: Flow): Doing {
  const undoes = steps.filter(({ undone, undo }) => !undo && undone !== null).length
  return {
    title: 'Cancel this flow and undo its steps?',
    will: `It is told nothing more, and its steps are undone, the last first${undoes === 0 ? '' : ` (${undoes} of them have an undo)`}.`,
    undo: 'This cannot be taken back. An ended flow can be run again.',
    command: commandLine(`flows cancel app.ts ${id}`),
    verb: 'Cancel and undo',
    danger: true,
    reason: 'may',
    send: (reason) => act('/api/flows/{id}/cancel', { id }, { reason }),
  }
}

export function stopping({ id }: Flow): Doing {
  return {
    title: 'Stop this flow as it is?',
    will: 'It ends here. It is the last resort for a flow that can neither continue nor be undone.',
    wont: 'Nothing of what it did is undone.',
    undo: 'This cannot be taken back. An ended flow can be run again.',
    command: commandLine(`flows stop app.ts ${id}`),
    verb: 'Stop it',
    danger: true,
    reason: 'must',
    send: (reason) => act('/api/flows/{id}/stop', { id }, { reason }),
  }
}

/** @param from the step to begin with; from the beginning where it is left out */
export function runningAgain({ id, mediator }: Flow, from?: string): Doing {
  return {
    title: from === undefined ? 'Run this flow again?' : `Run it again from ${from}?`,
    will:
      from === undefined
        ? `A new flow of ${mediator} begins with the same message and the newest code. All its commands are sent again.`
        : `A new flow takes over the results of the steps before ${from}, and does ${from} and all after it again.`,
    wont: 'This flow stays as it ended.',
    command: commandLine(`flows rerun app.ts ${id}${from === undefined ? '' : ` --from ${quoted(from)}`}`),
    verb: 'Run again',
    reason: 'may',
    send: async (reason) => {
      const again = await act('/api/flows/{id}/run-again', { id }, { reason, from })
      if (typeof again === 'number') go(`/flows/${again}`)
    },
  }
}
