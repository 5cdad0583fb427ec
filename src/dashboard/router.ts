// The address of the page, as a signal. Links are plain links; a click on one of ours changes the address without a load.
import { computed, signal } from '@preact/signals'
import { placeOf } from './pure/routes.ts'

/** The path before all addresses: a proxy may serve the page below one. This module is in `BASE/assets/`. */
const up = '..'
export const base: string = new URL(up, import.meta.url).pathname.replace(/\/$/, '')

const address = signal(here())

export const place = computed(() => placeOf(address.value.path))
export const query = computed(() => new URLSearchParams(address.value.search))

function here() {
  const { pathname, search } = location
  return { path: pathname.slice(base.length) || '/', search }
}

/** The address below the base, for a link. */
export const href = (path: string) => base + path

/** Goes to an address of the page. */
export function go(path: string, { replace = false }: { readonly replace?: boolean | undefined } = {}): void {
  history[replace ? 'replaceState' : 'pushState'](null, '', href(path))
  address.value = here()
  scrollTo(0, 0)
}

export function followLinks(): void {
  addEventListener('popstate', () => {
    address.value = here()
  })
  document.addEventListener('click', (event) => {
    const link = (event.target as Element | null)?.closest?.('a')
    if (!link || event.defaultPrevented || event.button !== 0 || link.target !== '' || link.hasAttribute('download'))
      return
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return
    const to = new URL(link.href)
    const ours =
      to.origin === location.origin && to.pathname.startsWith(`${base}/`) && !to.pathname.startsWith(`${base}/api/`)
    if (!ours || (to.pathname === location.pathname && to.hash !== '')) return
    event.preventDefault()
    go(to.pathname.slice(base.length) + to.search)
  })
}
