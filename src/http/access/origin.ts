// From where a request may come: checks of its `Host`, `Origin` and `Sec-Fetch-Site`.
//
// A page of another site can send requests to this one, with the cookie of the session where the browser lets it; and a
// name of another site can be made to point at this address (DNS rebinding). So each request names a host that is known,
// and a request of a browser that changes something comes from a page of the same origin. A request with a token of its
// own carries no cookie, and no page of another site has the token: its origin does not matter.
// Rules: Fetch Metadata (W3C), RFC 9110 sections 7.2 and 15.5.20.
import { fault } from '../../model/errors.ts'

const loopback = ['localhost', '127.0.0.1', '[::1]']

/**
 * The names that a server is reached by, as {@link checkHost} takes them.
 *
 * @param hosts those besides the names of this machine; with or without a port
 */
export function knownHosts(hosts: readonly string[]): ReadonlySet<string> {
  return new Set([...loopback, ...hosts.map((one) => one.toLowerCase())])
}

/**
 * Checks the host that a request names.
 *
 * @throws `millrace/wrong-host`
 */
export function checkHost(host: string | null, known: ReadonlySet<string>): void {
  if (isKnownHost(host, known)) return
  const named = (host ?? '').toLowerCase()
  throw fault('millrace/wrong-host', `the request names the host ${shown(named)}, which is not one of this server`)
}

export function isKnownHost(host: string | null, known: ReadonlySet<string>): boolean {
  const named = (host ?? '').toLowerCase()
  return known.has(named) || known.has(named.replace(/:\d+$/, ''))
}

const safe = ['GET', 'HEAD', 'OPTIONS']

/**
 * Checks that a request that changes something comes from a page of this server.
 *
 * @param how `bySession`: whether a cookie says who asks. Then it must say where it comes from, as every browser does;
 *   else one that does not is of no browser.
 * @throws `millrace/cross-site`
 */
export function checkOrigin(
  { method, url, headers }: Pick<Request, 'method' | 'url' | 'headers'>,
  { bySession }: { readonly bySession: boolean },
): void {
  if (safe.includes(method)) return
  const site = headers.get('sec-fetch-site')
  const origin = headers.get('origin')
  if (site === 'same-origin' || site === 'none') return
  if (site === null && origin === null && !bySession) return
  if (site === null && origin !== null && hostOf(origin) === (headers.get('host') ?? new URL(url).host)) return
  const from = shown(origin ?? site ?? '')
  throw fault('millrace/cross-site', `the request comes from ${from}, not from a page of this server`)
}

function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined
}

function shown(text: string): string {
  return text === '' ? 'nowhere' : JSON.stringify(text.slice(0, 200))
}
