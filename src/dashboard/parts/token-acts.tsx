// What can be done about tokens, in words.
import { signal } from '@preact/signals'
import { commandLine } from '../../model/command-line.ts'
import { roles } from '../../model/roles.ts'
import type { MadeToken } from '../../operate/tokens.ts'
import { act } from '../client.ts'
import { quoted } from '../pure/words.ts'
import type { Doing } from './act.tsx'

const dayMs = 86_400_000
const spans = [
  { word: 'until it is revoked', days: 0 },
  { word: '1 day', days: 1 },
  { word: '30 days', days: 30 },
  { word: '1 year', days: 365 },
]

/** @param made is given the token, which the server shows this once */
export function making(made: (token: MadeToken) => void): Doing {
  const name = signal('')
  const role = signal('reader')
  const on = signal('')
  const days = signal(30)
  const places = () =>
    on.value
      .split(',')
      .map((one) => one.trim())
      .filter((one) => one !== '')
  return {
    title: 'Make a token',
    will: 'A person or a program comes in with it, and is named in the audit log. It counts at once.',
    wont: 'It is shown this once: only its hash is kept.',
    undo: 'Revoke ends it.',
    command: () => {
      const grant = places().length === 0 ? role.value : `${role.value}:${places().join(',')}`
      const until = days.value === 0 ? '' : ` --expires ${days.value}d`
      return commandLine(`tokens make app.ts ${quoted(name.value || 'NAME')} --grant ${quoted(grant)}${until}`)
    },
    verb: 'Make it',
    reason: 'may',
    fields: () => (
      <>
        <label for="token-name">Name of the person or program</label>
        <input
          id="token-name"
          required
          maxLength={200}
          autocomplete="off"
          onInput={(event) => (name.value = event.currentTarget.value)}
        />
        <label for="token-role">Role</label>
        <select id="token-role" value={role.value} onChange={(event) => (role.value = event.currentTarget.value)}>
          {Object.keys(roles).map((one) => (
            <option key={one} value={one}>
              {one}
            </option>
          ))}
        </select>
        <label for="token-on">
          Only for these topics, channels and parts <span class="muted">(optional)</span>
        </label>
        <input
          id="token-on"
          autocomplete="off"
          placeholder="orders, mail-*"
          onInput={(event) => (on.value = event.currentTarget.value)}
        />
        <label for="token-days">Counts for</label>
        <select
          id="token-days"
          value={String(days.value)}
          onChange={(event) => (days.value = Number(event.currentTarget.value))}
        >
          {spans.map(({ word, days: many }) => (
            <option key={many} value={String(many)}>
              {word}
            </option>
          ))}
        </select>
      </>
    ),
    send: async (reason) => {
      const grant = { role: role.value, ...(places().length === 0 ? {} : { on: places() }) }
      const expiresAt = days.value === 0 ? undefined : Date.now() + days.value * dayMs
      made(await act('/api/tokens', {}, { name: name.value.trim(), grants: [grant], expiresAt, reason }))
    },
  }
}

export function revoking(name: string): Doing {
  return {
    title: `Revoke the token of ${name}?`,
    will: 'No later request with it is taken, and the browsers that signed in by it are signed out.',
    undo: 'It cannot be taken back. The name may have a new token after that.',
    command: commandLine(`tokens revoke app.ts ${quoted(name)}`),
    verb: 'Revoke it',
    danger: true,
    reason: 'may',
    send: (reason) => act('/api/tokens/{name}/revoke', { name }, { reason }),
  }
}
