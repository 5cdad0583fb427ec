import assert from 'node:assert/strict'
import test from 'node:test'
import { Paths } from './paths.ts'

const rows = ['/events/{topic}', '/api/desk', '/api/desk/groups', '/api/desk/{id}', '/api/desk/{id}/line/{place}'].map(
  (path) => ({ method: 'GET', path }),
)
const paths = new Paths([...rows, { method: 'POST', path: '/events/{topic}' }])
const found = (path: string, method = 'GET') => {
  const one = paths.find(method, path)
  return one && [one.row.path, { ...one.params }]
}

test('a path is of the first row that fits, with the segments that have names', () => {
  assert.deepEqual(found('/api/desk'), ['/api/desk', {}])
  assert.deepEqual(found('/api/desk/groups'), ['/api/desk/groups', {}])
  assert.deepEqual(found('/api/desk/7'), ['/api/desk/{id}', { id: '7' }])
  assert.deepEqual(found('/api/desk/7/line/2'), ['/api/desk/{id}/line/{place}', { id: '7', place: '2' }])
  assert.equal(paths.find('POST', '/events/orders')!.row.method, 'POST')
})

test('a path with another method, with an empty segment, or with one more or less, is of no row', () => {
  for (const path of ['', '/', '/events', '/events/', '/events/a/b', '/api/desk/', '/nowhere', '//events/a']) {
    assert.equal(found(path), undefined, path)
  }
  assert.equal(found('/api/desk', 'POST'), undefined)
})

test('a segment is decoded once; what cannot be decoded stays as it is', () => {
  const topicOf = (segment: string) => paths.find('GET', `/events/${segment}`)?.params['topic']
  assert.equal(topicOf('a%20b'), 'a b')
  assert.equal(topicOf('a%2Fb'), 'a/b')
  assert.equal(topicOf('%25C3'), '%C3')
  assert.equal(topicOf('%C3%A9'), 'é')
  assert.equal(topicOf('%C3-%zz-%41'), '%C3-%zz-A')
  assert.equal(topicOf('__proto__'), '__proto__')
})
