import type { IncomingMessage, ServerResponse } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import { fault } from '../model/errors.ts'
import { checkOptions, type EdgeNumbers, edgeNumbers, limit, type Optional } from '../model/options.ts'
import { edgeOf } from '../operate/edge.ts'
import { type Asks, checkedAsks } from './access/asks.ts'
import { type Handler, handlerOf } from './handler.ts'
import { groups } from './routes.ts'
import type { Served } from './served.ts'

/** Options of {@link gateway}. */
export interface GatewayOptions extends Optional<EdgeNumbers> {
  /**
   * Tells who sends a request, by its headers; undefined for nobody, who gets a 401. It must be given: nobody else
   * guards a gateway that is mounted in another server.
   */
  readonly access: Asks
  /**
   * The path where the gateway is mounted, such as `/edge`: it begins with a slash and does not end with one. It works
   * whether or not the other server takes that path away. Default: none.
   */
  readonly basePath?: string | undefined
  /**
   * The systems that may push events as CloudEvents webhooks, by the host that they say in `WebHook-Request-Origin`, or
   * `['*']` for any: they are answered that they may. They need a token all the same. Default: none.
   */
  readonly webhookOrigins?: readonly string[] | undefined
}

/** An app as a standard fetch handler, made by {@link gateway}: to be called, or given to what wants `fetch`. */
export interface Gateway {
  (request: Request): Promise<Response>
  /** The same, for what wants an object with `fetch`. */
  fetch(request: Request): Promise<Response>
  /** The same for `node:http`, Express and Fastify. The body of the request must not have been read before. */
  node(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void>
}

/**
 * Makes a fetch handler of an app, to be mounted in any server: events and commands in, events and the states of
 * requests out. It does not start the app; while the app does not run it answers 503. For a server of its own use
 * `app.serve`.
 *
 * @param app the app
 * @param options `access`, `basePath`, and the bounds of what it takes
 * @returns the handler
 * @throws `millrace/bad-option`, `millrace/unknown-option`
 *
 * @example
 * ```ts
 * const edge = gateway(shop, { basePath: '/edge', access: () => ({ name: 'web', grants: [{ role: 'sender' }] }) })
 * const answer = await edge(new Request('http://shop.example/edge/nowhere'))
 * console.assert(answer.status === 404)
 * ```
 */
export function gateway(app: Served, options: GatewayOptions): Gateway {
  const { basePath = '', limits, webhookOrigins } = checkGateway('gateway', options, [])
  if (typeof options.access !== 'function') {
    throw fault('millrace/bad-option', 'gateway: access must be given: (request) => ({ name, grants }) or undefined')
  }
  const access = checkedAsks('gateway', options.access)
  const ending = new AbortController().signal
  const mounted = groups.filter((group) => group.mounted)
  return asGateway(
    handlerOf({
      app,
      edge: edgeOf(app),
      groups: mounted,
      basePath,
      access,
      own: undefined,
      limits,
      webhookOrigins,
      ending,
    }),
  )
}

function asGateway(handler: Handler): Gateway {
  const called = (request: Request) => handler(request)
  return Object.assign(called, { fetch: called, node: listenerOf(handler) })
}

/** The globals of the process stay as they are. */
export function listenerOf(handler: Handler): Gateway['node'] {
  return getRequestListener(handler, { overrideGlobalObjects: false })
}

/**
 * Checks what a gateway and a server take alike.
 *
 * @throws `millrace/bad-option`, `millrace/unknown-option`
 */
export function checkGateway(
  where: string,
  options: Pick<Partial<GatewayOptions>, 'basePath' | 'webhookOrigins'> & Optional<EdgeNumbers>,
  more: readonly string[],
) {
  const names = Object.keys(edgeNumbers) as (keyof EdgeNumbers)[]
  checkOptions(where, options, ['access', 'basePath', 'webhookOrigins', ...names, ...more])
  const { basePath, webhookOrigins = [] } = options
  if (basePath !== undefined && !(typeof basePath === 'string' && /^(\/[\w.~-]+)*$/.test(basePath))) {
    throw fault('millrace/bad-option', `${where}: basePath must be like /edge, without a slash at its end`)
  }
  const limits = Object.fromEntries(names.map((name) => [name, limit(where, name, options[name])])) as EdgeNumbers
  if (!Array.isArray(webhookOrigins) || !webhookOrigins.every((one) => typeof one === 'string' && one !== '')) {
    throw fault('millrace/bad-option', `${where}: webhookOrigins must be a list of hosts, or ['*']`)
  }
  return { basePath, limits, webhookOrigins: webhookOrigins.map((one) => one.toLowerCase()) }
}
