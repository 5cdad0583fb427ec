// The same web application with Hono.
import type { Server } from 'node:http'
import { createAdaptorServer } from '@hono/node-server'
import { Hono } from 'hono'
import type { App } from 'millrace'
import { type Answer, edgeOf, getOrder, postOrder } from './requests.ts'

export function withHono(shop: App): Server {
  const web = new Hono()
  const answer = ({ status, body }: Answer) => Response.json(body, { status })
  web.mount('/edge', edgeOf(shop).fetch)
  web.post('/orders', async ({ req }) => {
    const given: unknown = await req.json().catch(() => undefined)
    return answer(await postOrder(shop, given, req.header('prefer')))
  })
  web.get('/orders/:orderId', async ({ req }) => answer(await getOrder(shop, req.param('orderId'))))
  return createAdaptorServer({ fetch: web.fetch, overrideGlobalObjects: false }) as Server
}
