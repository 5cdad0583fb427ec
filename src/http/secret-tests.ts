// A change list may test a value: who may not see a secret must not find it out by guesses. The answer to a guess is the same
// whatever the value is: the list is refused before it is looked at.
import type { ChangeList } from '../model/change.ts'
import { fault } from '../model/errors.ts'
import { isAllowed } from '../model/permissions.ts'
import { touches } from '../model/secrets.ts'
import { typesOf } from '../operate/rows.ts'
import type { Call } from './route.ts'

/**
 * Checks the change list of a request, where it has one.
 *
 * @param place the parts that the request concerns
 * @throws `millrace/not-allowed`
 */
export async function checkTests(call: Call, place: () => Promise<readonly string[]>): Promise<void> {
  const { change } = call.given as { readonly change?: unknown }
  if (!Array.isArray(change)) return
  const tested = (change as Partial<ChangeList[number]>[]).flatMap((one) =>
    one?.op === 'test' && typeof one.path === 'string' ? [one.path] : [],
  )
  if (tested.length === 0) return
  const secrets = await secretsOf(call)
  const found = tested.find((path) => secrets.some((secret) => touches(path, secret)))
  if (found === undefined || isAllowed(call.who!, 'see-secret', await place())) return
  const what = `the change tests ${JSON.stringify(found.slice(0, 200))}, which is secret or has a secret within`
  throw fault('millrace/not-allowed', `${what}: that needs the permission see-secret`)
}

/** The secret fields of the message that is to be changed; of all types where it may be any. */
async function secretsOf({ app, params, given }: Call): Promise<readonly string[]> {
  const types = typesOf(app.parts)
  const id = Number(params['id'])
  const named = Number.isSafeInteger(id)
    ? (await app.desk.show(id))?.message.type
    : (given as { readonly what?: { readonly type?: string | undefined } | undefined }).what?.type
  const known = named === undefined ? undefined : types.get(named)
  if (known !== undefined) return known.type.secret
  return [...types.values()].flatMap(({ type }) => type.secret)
}
