// The table of routes as an OpenAPI 3.1 document: https://spec.openapis.org/oas/v3.1.0. There is nothing in it that the
// server does not check: parameters and bodies are the fields of the rows.
import { charsMax, type Field } from '../operate/fields.ts'
import type { Group, Route, Says } from './route.ts'

type Json = Readonly<Record<string, unknown>>

/** What is described, and where it is served. */
export interface Described {
  readonly name: string
  readonly version: string | undefined
  /** The path at which the routes are mounted; empty for none. */
  readonly basePath: string
}

const ref = (path: string) => ({ $ref: `#/components/${path}` })

export function openApiOf({ name, version = '0.0.0', basePath }: Described, groups: readonly Group[]): Json {
  const paths: Record<string, Record<string, Json>> = {}
  for (const route of groups.flatMap((group) => group.routes)) {
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: operationOf(route) }
  }
  return {
    openapi: '3.1.0',
    info: { title: name, version },
    servers: [{ url: basePath === '' ? '/' : basePath }],
    paths,
    components: {
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: 'A token of the app, or a signed token (JWT).' },
        cookie: {
          type: 'apiKey',
          in: 'cookie',
          name: 'millrace-session',
          description: 'The session of a browser; over https its name begins with `__Host-`.',
        },
      },
      responses: {
        Problem: problem('An error: a problem of RFC 9457, with the code and what to do.'),
        NotSignedIn: problem('The request does not say who sends it.'),
        NotAllowed: problem('Who sends it may not do that.'),
      },
      schemas: { Problem: problemSchema },
    },
  }
}

function operationOf(route: Route): Json {
  const { path, method, may, does, answers, body, takes } = route
  const parameters = parametersOf(route)
  const guarded = may !== 'anyone'
  return {
    operationId: `${method.toLowerCase()}${path.replace(/\W+/g, '_').replace(/_$/, '')}`,
    summary: does,
    tags: [path.split('/').find((segment) => segment !== '' && segment !== 'api')],
    'x-permission': may,
    security: guarded ? [{ bearer: [] }, { cookie: [] }] : [],
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(takes === undefined && body === undefined ? {} : { requestBody: bodyOf(route) }),
    responses: {
      ...(guarded ? { 401: ref('responses/NotSignedIn') } : {}),
      ...(guarded && may !== 'anyone signed in' ? { 403: ref('responses/NotAllowed') } : {}),
      ...Object.fromEntries(Object.entries(answers).map(([status, says]) => [status, answerOf(says)])),
      default: ref('responses/Problem'),
    },
  }
}

function parametersOf({ path, query, headers = {} }: Route): Json[] {
  return [
    ...[...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => {
      return { name, in: 'path', required: true, schema: { type: 'string' } }
    }),
    ...Object.entries(query?.fields ?? {}).map(([name, field]) => {
      return { name, in: 'query', required: query?.needs?.includes(name) ?? false, schema: schemaOf(field, 'given') }
    }),
    ...Object.entries(headers).map(([name, { is, needed = false }]) => {
      return { name, in: 'header', required: needed, description: is, schema: { type: 'string' } }
    }),
  ]
}

function bodyOf({ takes = ['application/json'], body }: Route): Json {
  const schema = body === undefined ? {} : { schema: schemaOf(body, 'given') }
  return { required: true, content: Object.fromEntries(takes.map((type) => [type, schema])) }
}

const problemType = 'application/problem+json'

function answerOf({ is, type, body }: Says): Json {
  if (type === undefined && body === undefined) return { description: is }
  const types = (type ?? 'application/json').split(', ')
  const schemaFor = (one: string) => {
    if (one === problemType) return { schema: ref('schemas/Problem') }
    return body === undefined || !one.endsWith('/json') ? {} : { schema: schemaOf(body, 'answered') }
  }
  return { description: is, content: Object.fromEntries(types.map((one) => [one, schemaFor(one)])) }
}

function problem(description: string): Json {
  return { description, content: { [problemType]: { schema: ref('schemas/Problem') } } }
}

const simple: Readonly<Record<Extract<Field, string>, Json>> = {
  text: { type: 'string', maxLength: charsMax },
  path: { type: 'string', minLength: 1, maxLength: charsMax },
  number: { type: 'number' },
  count: { type: 'integer', minimum: 1 },
  whole: { type: 'integer', minimum: 0 },
  flag: { type: 'boolean' },
  numbers: { type: 'array', items: { type: 'number' } },
  list: { type: 'array' },
  any: {},
}

/** The schema of a field. What is given has no field that is not known; what is answered may have more later. */
export function schemaOf(field: Field, as: 'given' | 'answered'): Json {
  if (typeof field === 'string') return simple[field]
  if ('oneOf' in field) return { type: 'string', enum: field.oneOf }
  if (!('fields' in field)) return { type: 'array', items: { type: 'string', enum: field } }
  const { fields, needs = [] } = field
  return {
    type: 'object',
    properties: Object.fromEntries(Object.entries(fields).map(([name, one]) => [name, schemaOf(one, as)])),
    ...(needs.length === 0 ? {} : { required: needs }),
    ...(as === 'given' ? { additionalProperties: false } : {}),
  }
}

const text = { type: 'string' }
const problemSchema = {
  type: 'object',
  required: ['type', 'title', 'status', 'detail', 'code', 'retryable', 'help'],
  properties: {
    type: { ...text, format: 'uri' },
    title: text,
    status: { type: 'integer' },
    detail: text,
    code: { ...text, pattern: '^millrace/' },
    retryable: { type: 'boolean', description: 'Whether the same request may succeed later.' },
    help: { ...text, description: 'What to do.' },
    errors: {
      type: 'array',
      description: 'The parts of the body that are wrong.',
      items: {
        type: 'object',
        required: ['pointer', 'detail'],
        properties: { pointer: { ...text, format: 'json-pointer' }, detail: text },
      },
    },
    data: { description: 'Facts of the error.' },
  },
}
