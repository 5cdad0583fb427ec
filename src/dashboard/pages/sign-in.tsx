import { useSignal } from '@preact/signals'
import { signIn } from '../session.ts'

/** For who is not signed in: the two ways in, both on the machine of the app. */
export function SignIn({ why }: { readonly why: string | undefined }) {
  const given = useSignal('')
  const waits = useSignal(false)
  const send = async (event: Event) => {
    event.preventDefault()
    waits.value = true
    await signIn(given.value)
    waits.value = false
  }
  return (
    <main class="alone" id="main">
      <h1>Sign in</h1>
      {why !== undefined && <p role="alert">{why}</p>}
      <p>
        The program that runs the app prints an address that signs you in, once. Open that address, or paste it here. A
        token works too: the program names the file that has it.
      </p>
      <form onSubmit={send}>
        <label for="code">Address, code or token</label>
        <input
          id="code"
          type="password"
          autocomplete="off"
          required
          value={given.value}
          onInput={(event) => (given.value = event.currentTarget.value)}
        />
        <button type="submit" class="main" disabled={waits.value}>
          Sign in
        </button>
      </form>
    </main>
  )
}
