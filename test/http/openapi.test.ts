// The OpenAPI document against the table of routes, and against the rules of OpenAPI by a validator of others.
import assert from 'node:assert/strict'
import test from 'node:test'
import { Validator } from '@seriousme/openapi-schema-validator'
import { openApiOf, schemaOf } from '../../src/http/openapi.ts'
import type { Route } from '../../src/http/route.ts'
import { groups } from '../../src/http/routes.ts'
import { served } from './shop.ts'

const routes = groups.flatMap((group) => group.routes)
const app = { name: 'shop', version: undefined, basePath: '' }

interface Parameter {
  readonly name: string
  readonly in: string
  readonly required: boolean
  readonly schema: object
}

interface Operation {
  readonly operationId: string
  readonly summary: string
  readonly 'x-permission': string
  readonly security: readonly object[]
  readonly parameters?: readonly Parameter[]
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema?: object }>> }
  readonly responses: Readonly<Record<string, { readonly content?: object; readonly $ref?: string }>>
}

type Paths = Readonly<Record<string, Readonly<Record<string, Operation>>>>

const operationOf = ({ paths }: { readonly paths: Paths }, { method, path }: Pick<Route, 'method' | 'path'>) =>
  paths[path]![method.toLowerCase()]!

test('the document that is served is valid OpenAPI 3.1, and is the table', async (t) => {
  const { ask } = await served(t, { version: '1.2.3' })
  const { body } = await ask('GET /openapi.json')
  const validator = new Validator()
  const { valid, errors } = await validator.validate(structuredClone(body))
  assert.deepEqual([valid, errors], [true, undefined])
  assert.equal(validator.version, '3.1')
  assert.deepEqual(body.info, { title: 'shop', version: '1.2.3' })
  assert.deepEqual(body.servers, [{ url: '/' }])
  validator.resolveRefs()
  assert.deepEqual(body, JSON.parse(JSON.stringify(openApiOf({ ...app, version: '1.2.3' }, groups))))
})

test('every row is in the document, with its path, query, headers, body, answers and permission', () => {
  const document = openApiOf({ ...app, basePath: '/edge' }, groups) as {
    readonly paths: Paths
    readonly servers: object
  }
  assert.deepEqual(document.servers, [{ url: '/edge' }])
  const shown = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  )
  assert.deepEqual(shown.sort(), routes.map(({ method, path }) => `${method} ${path}`).sort())
  for (const route of routes) {
    const where = `${route.method} ${route.path}`
    const operation = operationOf(document, route)
    assert.equal(operation.summary, route.does, where)
    assert.equal(operation['x-permission'], route.may, where)
    assert.equal(operation.security.length, route.may === 'anyone' ? 0 : 2, where)
    const named = (kind: string) =>
      (operation.parameters ?? []).filter((one) => one.in === kind).map(({ name, required }) => [name, required])
    assert.deepEqual(
      named('path'),
      [...route.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => [name, true]),
      where,
    )
    const needs = route.query?.needs ?? []
    const query = Object.keys(route.query?.fields ?? {}).map((name) => [name, needs.includes(name)])
    assert.deepEqual(named('query'), query, where)
    assert.deepEqual(
      named('header').map(([name]) => name),
      Object.keys(route.headers ?? {}),
      where,
    )
    const media = route.takes ?? (route.body === undefined ? undefined : ['application/json'])
    assert.deepEqual(operation.requestBody && Object.keys(operation.requestBody.content), media, where)
    for (const [status, { type, body }] of Object.entries(route.answers)) {
      const types = type?.split(', ') ?? (body === undefined ? [] : ['application/json'])
      assert.deepEqual(Object.keys(operation.responses[status]!.content ?? {}), types, `${where} ${status}`)
    }
    assert.equal(operation.responses['default']!.$ref, '#/components/responses/Problem', where)
    assert.equal('401' in operation.responses, route.may !== 'anyone', where)
  }
})

test('each operation has an id of its own, and no two paths differ by the names in braces only', () => {
  const { paths } = openApiOf(app, groups) as { readonly paths: Paths }
  const ids = Object.values(paths).flatMap((methods) => Object.values(methods).map(({ operationId }) => operationId))
  assert.equal(new Set(ids).size, routes.length)
  assert.ok(
    ids.every((id) => /^(get|post|delete|options)_[a-z_]\w*$/i.test(id)),
    ids.join(),
  )
  const bare = Object.keys(paths).map((path) => path.replace(/\{\w+\}/g, '{}'))
  assert.equal(new Set(bare).size, bare.length)
})

test('a repair asks for the revision that was seen, and a query for lists as lists', () => {
  const document = openApiOf(app, groups) as { readonly paths: Paths }
  const release = operationOf(document, { method: 'POST', path: '/api/desk/{id}/release' })
  assert.deepEqual(
    release.parameters!.map(({ name, required }) => [name, required]),
    [
      ['id', true],
      ['If-Match', true],
      ['Idempotency-Key', false],
    ],
  )
  const list = operationOf(document, { method: 'GET', path: '/api/desk' }).parameters!
  const schemaFor = (name: string) => list.find((one) => one.name === name)!.schema
  assert.deepEqual(schemaFor('limit'), { type: 'integer', minimum: 1 })
  assert.deepEqual(schemaFor('after'), { type: 'number' })
  assert.deepEqual(schemaFor('states'), {
    type: 'array',
    items: { type: 'string', enum: ['held', 'deciding', 'trying', 'line', 'handled', 'discarded', 'reset'] },
  })
})

test('a field is described as what it takes', () => {
  const fields = { fields: { how: { oneOf: ['a', 'b'] }, at: 'whole', any: 'any' }, needs: ['how'] } as const
  const properties = { how: { type: 'string', enum: ['a', 'b'] }, at: { type: 'integer', minimum: 0 }, any: {} }
  const open = { type: 'object', properties, required: ['how'] }
  assert.deepEqual(schemaOf(fields, 'answered'), open)
  assert.deepEqual(schemaOf(fields, 'given'), { ...open, additionalProperties: false })
  assert.deepEqual(schemaOf('text', 'given'), { type: 'string', maxLength: 5_000 })
  assert.deepEqual(schemaOf('numbers', 'given'), { type: 'array', items: { type: 'number' } })
  assert.deepEqual(schemaOf({ fields: {} }, 'answered'), { type: 'object', properties: {} })
})
