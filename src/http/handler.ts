// From a request to its answer:
//
//   request ─route?→ ─who?→ ─may?→ ─query, body fit?→ run → answer
//             404,405  401   403     400, 413, 415       as its row says, or a problem
//
// Nothing is thrown out of it, and there is no 500 that is not in the log.
import { Hono } from 'hono'
import { fault, isMillraceError } from '../model/errors.ts'
import type { EdgeNumbers } from '../model/options.ts'
import { checkAllowed, isAllowed, isAllowedSomewhere, type Permission, type Who } from '../model/permissions.ts'
import type { Edge } from '../operate/edge.ts'
import { checkField } from '../operate/fields.ts'
import type { Access } from './access/access.ts'
import type { Asks } from './access/asks.ts'
import { type Rates, ratesOf, senderOf } from './access/rates.ts'
import { refusalsOf } from './access/refusals.ts'
import { type Body, bodyOf, counted } from './body.ts'
import { queryOf } from './input.ts'
import { Paths } from './paths.ts'
import { answerOfError, problemOf } from './problem.ts'
import { type Env, respond } from './respond.ts'
import type { Answer, Call, Group, Method, Route } from './route.ts'
import type { Served } from './served.ts'

interface Asked {
  readonly request: Request
  readonly params: Call['params']
  readonly from: string
  readonly body: Body
}

export interface HandlerOptions {
  readonly app: Served
  readonly edge: Edge
  readonly groups: readonly Group[]
  /** Answers what no route does: the page of a server of its own. */
  readonly page?: ((request: Request, path: string) => Promise<Answer | undefined>) | undefined
  readonly basePath: string
  readonly access: Asks
  /** The access of a server of its own, with its sessions; undefined where a function of the user's decides. */
  readonly own: Access | undefined
  readonly limits: EdgeNumbers
  readonly webhookOrigins: readonly string[]
  readonly ending: AbortSignal
}

export type Handler = (request: Request, env?: Env) => Promise<Response>

/** A router that gives the path below a base and the environment of a request to its handlers. */
const routerOf = (basePath: string) =>
  new Hono<{ Bindings: Env | undefined }>({ getPath: (request) => pathIn(request.url, basePath) })

export function handlerOf(options: HandlerOptions): Handler {
  const { groups, basePath, edge, limits } = options
  const rates = ratesOf(limits, () => edge.world.now())
  const how = { ...options, rates }
  const routes = groups.flatMap((group) => group.routes)
  const paths = new Paths(routes)
  /** The paths with their other methods, and all that is no path of a route. */
  const others = routerOf(basePath)
  const methods = new Map<string, Method[]>()
  for (const { path, method } of routes) methods.set(path, [...(methods.get(path) ?? []), method])
  for (const [path, allowed] of methods) {
    others.all(patternOf(path), ({ req, env }) => respond(otherMethod(req.method, path, allowed), env))
  }
  others.notFound(async ({ req, env }) => {
    const found = await options.page?.(req.raw, req.path)
    if (found !== undefined) return respond(found, env)
    const what = `there is no route ${req.method} ${req.path.slice(0, 200)}`
    return respond(problemOf(fault('millrace/unknown-route', what)), env)
  })
  others.onError((error, { env }) => respond(answerOfError(error, edge), env))
  return async (request, env) => {
    const { url, method } = request
    if (url.length - originCharsOf(url) > limits.urlCharsMax) {
      const what = `the path and query are longer than ${limits.urlCharsMax} characters (urlCharsMax)`
      return respond(problemOf(fault('millrace/bad-request', what), { status: 414 }), env)
    }
    try {
      const found = paths.find(method === 'HEAD' ? 'GET' : method, pathIn(url, basePath))
      if (found === undefined) return await others.fetch(request, env)
      const { row, params } = found
      const body = bodyOf(request, limits.bodyBytesMax, env?.incoming)
      const answer = respond(await answerOf(row, { request, params, from: addressIn(env), body }, how), env)
      return method === 'HEAD' ? new Response(null, answer) : answer
    } catch (error) {
      return respond(answerOfError(error, edge), env)
    }
  }
}

async function answerOf(
  route: Route,
  asked: Asked,
  {
    app,
    edge,
    basePath,
    access,
    own,
    limits,
    webhookOrigins,
    ending,
    rates,
  }: HandlerOptions & { readonly rates: Rates | undefined },
): Promise<Answer> {
  let who: Who | undefined
  try {
    const { request } = asked
    if (route.may !== 'anyone') who = own?.atOnce(request, asked.from) ?? (await whoAsks(access, asked))
    const sender = rates === undefined ? '' : senderOf(who, asked.from)
    rates?.take(sender)
    if (who !== undefined) checkSomewhere(who, route.may)
    const body = rates === undefined ? asked.body : counted(asked.body, (bytes) => rates.read(sender, bytes))
    const query = queryOf(route, request.url)
    const given = route.body === undefined || route.takes !== undefined ? undefined : await body.json()
    if (route.body !== undefined && route.takes === undefined) {
      checkField(`${route.method} ${route.path}`, 'the body', route.body, given)
    }
    const { params, from } = asked
    const call = {
      app,
      edge,
      request,
      basePath,
      params,
      query,
      given,
      body,
      who,
      from,
      own,
      limits,
      webhookOrigins,
      ending,
    }
    const checking = who === undefined ? undefined : checkHere(who, route, call)
    if (checking !== undefined) await checking
    const answer = await route.run(call)
    return rates === undefined ? answer : { ...answer, headers: { ...answer.headers, ...rates.headers(sender) } }
  } catch (error) {
    if (isMillraceError(error)) refusalsOf(edge).add({ route, who: who?.name, from: asked.from }, error)
    return answerOfError(error, edge)
  }
}

/** @throws `millrace/not-signed-in`, and what `access` throws */
async function whoAsks(access: Asks, { request, from }: Asked): Promise<Who> {
  const who = await access(request, from)
  if (who !== undefined) return who
  throw fault('millrace/not-signed-in', 'the request does not say who sends it')
}

/** Before anything is read: who may do it nowhere is refused. Errors: `millrace/not-allowed`. */
function checkSomewhere(who: Who, may: Route['may']): void {
  if (may === 'anyone' || may === 'anyone signed in' || isAllowedSomewhere(who, may)) return
  checkAllowed(who, may)
}

/** Where a grant is narrowed, it is only asked here what the call concerns. Errors: `millrace/not-allowed`. */
function checkHere(who: Who, { may, place }: Route, call: Call): Promise<void> | undefined {
  if (may === 'anyone' || may === 'anyone signed in' || isAllowed(who, may)) return undefined
  return checkAt(who, may, place?.(call) ?? placeOf(call.params))
}

async function checkAt(who: Who, may: Permission, place: ReturnType<NonNullable<Route['place']>>): Promise<void> {
  checkAllowed(who, may, await place)
}

/** The topic, channel or part that a path names: a grant may be narrowed to it. */
function placeOf({ topic, channel, part }: Call['params']): string[] {
  return [topic, channel, part].filter((name) => name !== undefined)
}

function addressIn(env: Env | undefined): string {
  return env?.incoming?.socket?.remoteAddress ?? ''
}

const patternOf = (path: string) => path.replace(/\{(\w+)\}/g, ':$1')

function originCharsOf(url: string): number {
  const at = url.indexOf('/', url.indexOf('://') + 3)
  return at === -1 ? url.length : at
}

/** The path below the base; a server that mounts the handler may have taken the base away. */
function pathIn(url: string, basePath: string): string {
  const from = originCharsOf(url)
  const query = url.indexOf('?', from)
  const path = url.slice(from, query === -1 ? undefined : query)
  if (basePath === '' || !path.startsWith(basePath)) return path || '/'
  const below = path.slice(basePath.length)
  return below.startsWith('/') ? below : path
}

/** OPTIONS says what there is; any other method is wrong. */
function otherMethod(method: string, path: string, allowed: readonly Method[]): Answer {
  if (method !== 'OPTIONS') return problemOf(wrongMethod(method, path, allowed))
  return { status: 200, headers: { allow: allowOf(allowed) } }
}

function allowOf(allowed: readonly Method[]): string {
  const all = allowed.includes('GET') ? ['HEAD', ...allowed] : allowed
  return [...new Set(['OPTIONS', ...all])].sort().join(', ')
}

const wrongMethod = (method: string, path: string, allowed: readonly Method[]) => {
  const allow = allowOf(allowed)
  return fault('millrace/wrong-method', `${path} takes ${allow}, not ${method.slice(0, 20)}`, {
    data: { headers: { allow } },
  })
}
