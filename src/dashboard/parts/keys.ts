// Single keys, where nobody is typing and no dialog is open. They can be switched off (WCAG 2.1.4).
import { signal } from '@preact/signals'
import { go } from '../router.ts'

export const hasKeys = signal(localStorage.getItem('millrace-keys') !== 'no')

export function toggleKeys(): void {
  hasKeys.value = !hasKeys.value
  localStorage.setItem('millrace-keys', hasKeys.value ? 'yes' : 'no')
}

const goes: Readonly<Record<string, string>> = {
  ...{ h: '/', d: '/desk', i: '/inbox', m: '/messages', f: '/flows', t: '/map' },
  ...{ o: '/desk/operations', s: '/system', a: '/system/audit' },
}

export function listenToKeys(): void {
  let before = ''
  addEventListener('keydown', (event) => {
    const { key, target, metaKey, ctrlKey, altKey } = event
    const typing = target instanceof HTMLElement && target.closest('input, textarea, select, dialog') !== null
    if (!hasKeys.value || typing || metaKey || ctrlKey || altKey) return
    if (before === 'g' && goes[key] !== undefined) go(goes[key])
    if (key === 'j' || key === 'k') step(key === 'j' ? 1 : -1)
    // What a page offers by a key is a button or a link that names it.
    if (before !== 'g') document.querySelector<HTMLElement>(`main [data-key="${CSS.escape(key)}"]`)?.click()
    before = key
  })
}

/** Moves the focus to the link of the next row. */
function step(by: number): void {
  const links = [...document.querySelectorAll<HTMLElement>('main tbody a.row')]
  const at = links.indexOf(document.activeElement as HTMLElement)
  links[at === -1 && by < 0 ? links.length - 1 : at + by]?.focus()
}
