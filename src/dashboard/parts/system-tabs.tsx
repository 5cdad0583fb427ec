// The pages of the system, as chips.
import { href } from '../router.ts'

const tabs = [
  { name: 'parts', to: '/system', word: 'Processors' },
  { name: 'schedules', to: '/system/schedules', word: 'Schedules' },
  { name: 'delayed', to: '/system/delayed', word: 'Delayed messages' },
  { name: 'endpoints', to: '/system/endpoints', word: 'Endpoints' },
  { name: 'access', to: '/system/access', word: 'Access' },
  { name: 'settings', to: '/system/settings', word: 'Settings' },
  { name: 'audit', to: '/system/audit', word: 'Audit' },
] as const

export function SystemTabs({ at }: { readonly at: (typeof tabs)[number]['name'] }) {
  return (
    <div class="chips">
      {tabs.map(({ name, to, word }) => (
        <a key={name} href={href(to)} aria-current={name === at ? 'true' : undefined}>
          {word}
        </a>
      ))}
    </div>
  )
}
