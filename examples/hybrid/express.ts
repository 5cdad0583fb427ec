// The web application with Express.
import { createServer, type Server } from 'node:http'
import express from 'express'
import type { App } from 'millrace'
import { edgeOf, getOrder, postOrder } from './requests.ts'

export function withExpress(shop: App): Server {
  const web = express()
  // Before what reads bodies: the gateway reads them itself.
  web.use('/edge', edgeOf(shop).node)
  web.use(express.json())
  web.post('/orders', async (request, response) => {
    const { status, body } = await postOrder(shop, request.body, request.get('prefer'))
    response.status(status).json(body)
  })
  web.get('/orders/:orderId', async (request, response) => {
    const { status, body } = await getOrder(shop, request.params.orderId)
    response.status(status).json(body)
  })
  return createServer(web)
}
