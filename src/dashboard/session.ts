// Who is signed in. A code or token comes from the address (after #, so that no server or log sees it) or from the form.
import { signal } from '@preact/signals'
import { ask, Problem } from './client.ts'

export interface Me {
  readonly name: string
  readonly roles: readonly string[]
  readonly may: readonly string[]
}

export type Session =
  | { readonly is: 'asking' }
  | { readonly is: 'in'; readonly me: Me }
  | { readonly is: 'out'; readonly why: string | undefined }
  | { readonly is: 'away' }

export const session = signal<Session>({ is: 'asking' })

export const may = (permission: string): boolean =>
  session.value.is === 'in' && session.value.me.may.includes(permission)

/** Signs in by the code of the address, where it has one; else asks who is signed in. */
export async function begin(): Promise<void> {
  const code = new URLSearchParams(location.hash.slice(1)).get('code')
  if (code === null) return lookAgain()
  history.replaceState(null, '', location.pathname + location.search)
  await signIn(code)
}

export async function lookAgain(): Promise<void> {
  try {
    session.value = { is: 'in', me: (await ask('GET', '/api/me')) as Me }
  } catch (error) {
    session.value = outOf(error, undefined)
  }
}

/** @param given a code, a token, or an address that ends in `#code=…` */
export async function signIn(given: string): Promise<void> {
  const code = given.trim().replace(/^.*#code=/, '')
  try {
    session.value = { is: 'in', me: (await ask('POST', '/api/session', { body: { code } })) as Me }
  } catch (error) {
    // A used code is no harm where the browser is signed in already.
    await lookAgain()
    if (session.peek().is === 'out') session.value = outOf(error, 'This was used before, or is too old.')
  }
}

export async function signOut(): Promise<void> {
  await ask('DELETE', '/api/session').catch(() => undefined)
  session.value = { is: 'out', why: undefined }
}

/** The session has ended while the page was open. */
export function ended(): void {
  if (session.peek().is === 'in') session.value = { is: 'out', why: 'Your session has ended.' }
}

function outOf(error: unknown, why: string | undefined): Session {
  if (error instanceof Problem && error.away) return { is: 'away' }
  if (error instanceof Problem && error.status !== 401) return { is: 'out', why: error.message }
  return { is: 'out', why }
}
