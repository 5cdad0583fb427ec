// The frame of every page: where one can go, who is signed in, and the news of the server in one place for screen readers.
import { useSignal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { reached } from '../live.ts'
import { visible } from '../pure/words.ts'
import { href, place } from '../router.ts'
import { session, signOut } from '../session.ts'
import { Dialog } from './dialog.tsx'
import { Icon, type IconName } from './icon.tsx'
import { hasKeys, toggleKeys } from './keys.ts'
import { Stale } from './states.tsx'
import { setTheme, theme, themes } from './theme.ts'
import { inUtc, toggleUtc } from './when.tsx'

const links: readonly {
  readonly to: string
  readonly word: string
  readonly icon: IconName
  readonly pages: readonly string[]
  /** On a phone it is in the dialog of More. */
  readonly wide?: boolean | undefined
}[] = [
  { to: '/', word: 'Home', icon: 'home', pages: ['home'] },
  { to: '/desk', word: 'Desk', icon: 'desk', pages: ['desk', 'group', 'item', 'correct'] },
  { to: '/inbox', word: 'Inbox', icon: 'inbox', pages: ['inbox', 'question'] },
  { to: '/messages', word: 'Messages', icon: 'messages', pages: ['messages', 'message', 'story', 'receipt'] },
  { to: '/flows', word: 'Flows', icon: 'flows', pages: ['flows', 'flow'] },
  { to: '/map', word: 'Map', icon: 'map', pages: ['map'], wide: true },
  { to: '/desk/operations', word: 'Operations', icon: 'operations', pages: ['operations', 'operation'], wide: true },
  {
    to: '/system',
    word: 'System',
    icon: 'system',
    pages: ['system', 'part', 'schedules', 'delayed', 'endpoints', 'access', 'settings', 'audit'],
    wide: true,
  },
]

export function Frame({ children }: { readonly children: ComponentChildren }) {
  const more = useSignal(false)
  const { page } = place.value
  return (
    <>
      <a class="skip" href="#main">
        Skip to the page
      </a>
      <nav aria-label="Pages">
        <a class="brand" href={href('/')} aria-label="Millrace, home">
          Millrace
        </a>
        {links.map(({ to, word, icon, pages, wide }) => (
          <a
            key={to}
            href={href(to)}
            class={wide ? 'wide' : undefined}
            aria-current={pages.includes(page) ? 'page' : undefined}
          >
            <Icon name={icon} />
            {word}
          </a>
        ))}
        <button type="button" class="plain" onClick={() => (more.value = true)}>
          <Icon name="more" />
          More
        </button>
      </nav>
      <Stale />
      <main id="main" tabIndex={-1} class={reached.value.is ? '' : 'old'}>
        {children}
      </main>
      {more.value && <More close={() => (more.value = false)} />}
    </>
  )
}

function More({ close }: { readonly close: () => void }) {
  const who = session.value.is === 'in' ? session.value.me : undefined
  return (
    <Dialog title="More" close={close}>
      <p class="narrow buttons">
        {links
          .filter(({ wide }) => wide)
          .map(({ to, word }) => (
            <a key={to} class="button" href={href(to)} onClick={close}>
              {word}
            </a>
          ))}
      </p>
      <p>
        Signed in as <strong>{visible(who?.name ?? '')}</strong> ({who?.roles.join(', ')}).
      </p>
      <fieldset>
        <legend>Colours</legend>
        {themes.map((one) => (
          <label key={one}>
            <input type="radio" name="theme" checked={theme.value === one} onChange={() => setTheme(one)} />
            {one === 'system' ? 'as the system' : one}
          </label>
        ))}
      </fieldset>
      <label>
        <input type="checkbox" checked={inUtc.value} onChange={toggleUtc} /> Times in UTC
      </label>
      <label>
        <input type="checkbox" checked={hasKeys.value} onChange={toggleKeys} /> Single keys: <kbd>g h</kbd> Home,{' '}
        <kbd>g d</kbd> Desk, <kbd>g i</kbd> Inbox, <kbd>g m</kbd> Messages, <kbd>g f</kbd> Flows, <kbd>g t</kbd> Map,{' '}
        <kbd>g o</kbd> Operations, <kbd>g s</kbd> System, <kbd>g a</kbd> Audit, <kbd>j</kbd> <kbd>k</kbd> next and
        previous row
      </label>
      <div class="buttons">
        <button
          type="button"
          onClick={() => {
            close()
            void signOut()
          }}
        >
          Sign out
        </button>
        <button type="button" class="main" onClick={close}>
          Close
        </button>
      </div>
    </Dialog>
  )
}
