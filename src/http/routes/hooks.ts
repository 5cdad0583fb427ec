// Signed webhooks in. A wrong signature is told to the sender alone: nothing of the request is kept.
import { fault } from '../../model/errors.ts'
import { mediaType } from '../../model/media-type.ts'
import { suggest } from '../../model/names.ts'
import { isPromise } from '../../model/promise.ts'
import { traceIn } from '../../model/trace.ts'
import { jsonOf, textOf } from '../body.ts'
import type { Answer, Call, Group } from '../route.ts'

export const hookRoutes: Group = {
  mounted: true,
  routes: [
    {
      method: 'POST',
      path: '/hooks/{name}',
      may: 'anyone',
      does: 'Takes a signed webhook, and publishes what the hook makes of it.',
      takes: ['application/json'],
      answers: {
        202: {
          is: 'The event is on disk; or none follows.',
          body: { fields: { accepted: 'list' }, needs: ['accepted'] },
        },
      },
      run: take,
    },
  ],
}

async function take({ app, edge, params, request, body }: Call): Promise<Answer> {
  const name = params['name']!
  const hooks = app.parts.filter((part) => part.kind === 'hook')
  const hook = hooks.find((one) => one.name === name)
  if (hook === undefined) {
    const hint = suggest(
      name,
      hooks.map((one) => one.name),
    )
    throw fault('millrace/unknown-name', `app "${app.name}" has no hook "${name.slice(0, 100)}"${hint}`)
  }
  const { headers } = request
  const bytes = await body.bytes()
  const verdict = hook.verify({ header: (header) => headers.get(header), body: bytes, now: edge.world.now() })
  if (!verdict.ok) throw fault('millrace/bad-signature', `hook "${name}": ${verdict.why}`)
  if (mediaType(headers.get('content-type')) !== 'application/json') {
    throw fault('millrace/wrong-media-type', `hook "${name}" takes application/json`)
  }
  const data = hook.data(jsonOf(textOf(bytes)), headers)
  if (isPromise(data)) throw new TypeError(`the function "data" of hook "${name}" must return its data at once`)
  if (data === undefined) return { status: 202, json: { accepted: [] } }
  const id = `${name}/${verdict.id}`
  const accepted = await edge.intake().publish(hook.publishes, data, { id }, traceIn(headers))
  return { status: 202, json: { accepted: [accepted] } }
}
