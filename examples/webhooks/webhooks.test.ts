// Every payload that GitHub shows, through the hook and the rules.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempDisposableSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text as toText } from 'node:stream/consumers'
import test from 'node:test'
import { sign } from '@octokit/webhooks-methods'
import { gateway } from 'millrace/http'
import { simulation } from 'millrace/testing'
import { triageOn } from './app.ts'
import { Happened } from './messages.ts'

interface Payload {
  readonly action?: string
  readonly repository?: { readonly full_name: string }
  readonly issue?: { readonly number: number }
  readonly number?: number
}

interface Delivery {
  readonly id: string
  readonly kind: string
  readonly payload: Payload
}

const require = createRequire(import.meta.url)
const places = ['api.github.com', 'ghes-31', 'ghes-32', 'ghes-33', 'ghes-34', 'ghes-35']
const deliveries: readonly Delivery[] = places.flatMap((place) => {
  const all = require(`@octokit/webhooks-examples/${place}/index.json`) as { name: string; examples: Payload[] }[]
  return all.flatMap(({ name, examples }) =>
    examples.map((payload, n) => ({ id: `${place}/${name}/${n}`, kind: name, payload })),
  )
})

async function request({ id, kind, payload }: Delivery, secret = 'for-trying-only'): Promise<Request> {
  const body = JSON.stringify(payload)
  const headers = {
    'content-type': 'application/json',
    'x-github-event': kind,
    'x-github-delivery': id,
    'x-hub-signature-256': await sign(secret, body),
  }
  return new Request('http://triage.example/hooks/github', { method: 'POST', headers, body })
}

/** The app on a simulated machine, with a function that delivers to it. */
function triaged() {
  const sim = simulation({ app: () => triageOn('./triage.db') })
  const send = async (delivery: Delivery, secret?: string) => {
    const asked = await request(delivery, secret)
    const answer = await sim.settled(gateway(sim.app, { access: () => undefined })(asked))
    return { status: answer.status, body: (await answer.json()) as { accepted?: unknown; code?: string } }
  }
  return { sim, send }
}

/** What GitHub tells of issues and pull requests, in the order in which it is sent. */
const changes = deliveries.flatMap(({ kind, payload }) => {
  if (kind !== 'issues' && kind !== 'pull_request') return []
  return [
    { ticket: `${payload.repository!.full_name}#${payload.issue?.number ?? payload.number}`, action: payload.action },
  ]
})

test('every payload of GitHub is taken once: the board has each change in order, and each rule has had its way', async () => {
  const { sim, send } = triaged()
  await using _ = sim
  await sim.untilIdle()
  assert.equal(deliveries.length, 726)
  let events = 0
  for (const [n, delivery] of deliveries.entries()) {
    const { status, body } = await send(delivery)
    const follows = ['issues', 'pull_request', 'push'].includes(delivery.kind)
    assert.deepEqual([status, body], [202, { accepted: follows ? [{ id: `github/${delivery.id}` }] : [] }], delivery.id)
    if (follows) events++
    // GitHub had no answer, and sends it again.
    if (n % 7 === 0 && follows) {
      const again = await send(delivery)
      assert.deepEqual(again.body, { accepted: [{ id: `github/${delivery.id}`, duplicate: true }] })
    }
    if (n % 100 === 50) {
      await sim.crash({ power: true })
      await sim.restart()
    }
  }
  await sim.untilIdle()
  assert.deepEqual(sim.held(), [])
  assert.equal(sim.published(Happened).length, events)
  const board = Map.groupBy(
    sim.rows('changes') as { ticket: string; number: number; action: string }[],
    (row) => row.ticket,
  )
  const told = Map.groupBy(changes, (change) => change.ticket)
  assert.deepEqual([...board.keys()].sort(), [...told.keys()].sort())
  for (const [ticket, rows] of board) {
    const inOrder = rows.toSorted((a, b) => a.number - b.number)
    assert.deepEqual(
      inOrder.map(({ number, action }) => [number, action]),
      told.get(ticket)!.map(({ action }, n) => [n + 1, action]),
      ticket,
    )
  }
  assert.deepEqual(
    sim.rows('tickets').map(({ ticket, changes }) => [ticket, changes]),
    [
      ['Codertocat/Hello-World#1', 41],
      ['Codertocat/Hello-World#2', 54],
      ['octo-org/octo-repo#1', 1],
    ],
  )
  const done = Map.groupBy(sim.rows('done') as { rule: string }[], ({ rule }) => rule)
  assert.deepEqual(Object.fromEntries([...done].map(([rule, all]) => [rule, all.length])), {
    'new bug': 4,
    'back again': 3,
    unlabelled: 11,
    ready: 14,
    'tag deleted': 6,
  })
})

test('every payload of GitHub is refused where its signature is wrong, and nothing is kept', async () => {
  const { sim, send } = triaged()
  await using _ = sim
  await sim.untilIdle()
  for (const delivery of deliveries) {
    const { status, body } = await send(delivery, 'another secret')
    assert.deepEqual([status, body.code], [401, 'millrace/bad-signature'], delivery.id)
  }
  await sim.untilIdle()
  assert.deepEqual([sim.published(Happened), sim.rows('tickets'), sim.rows('refs')], [[], [], []])
})

test('a payload that does not fit is answered with 422 and leaves nothing; a rewritten one is told', async () => {
  const { sim, send } = triaged()
  await using _ = sim
  await sim.untilIdle()
  const { payload } = deliveries.find(({ kind }) => kind === 'push')!
  const pushed = (id: string, more: object) => send({ id, kind: 'push', payload: { ...payload, ...more } })
  const unfit = await pushed('d-1', { ref: 7 })
  assert.deepEqual([unfit.status, unfit.body.code], [422, 'millrace/bad-data'])
  for (const kind of ['issues', 'pull_request', 'push'])
    assert.equal((await send({ id: kind, kind, payload: {} })).status, 422)
  assert.equal((await pushed('d-2', { forced: true, ref: 'refs/heads/main' })).status, 202)
  await sim.untilIdle()
  assert.deepEqual(
    sim.rows('done').map(({ rule, text }) => [rule, text]),
    [['history rewritten', 'tell that Codertocat has forced refs/heads/main']],
  )
})

test('commands of the README print its answers', async (t) => {
  const folder = mkdtempDisposableSync(join(tmpdir(), 'webhooks-'))
  const triage = triageOn(join(folder.path, 'triage.db'))
  await triage.start()
  t.after(async () => {
    await triage.stop()
    folder.remove()
  })
  const { url } = await triage.serve({ port: 0 })
  const readme = readFileSync(new URL('./README.md', import.meta.url), 'utf8')
  const [, script] = /```\n(body=[\s\S]*?)```/.exec(readme)!
  const shown = async (text: string) => {
    const child = spawn('sh', ['-ec', text.replace('localhost:7070', new URL(url).host)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [said, [code]] = await Promise.all([toText(child.stdout), once(child, 'close')])
    assert.equal(code, 0)
    return JSON.parse(said)
  }
  assert.deepEqual(await shown(script!), { accepted: [{ id: 'github/d-1' }] })
  assert.deepEqual(await shown(script!), { accepted: [{ id: 'github/d-1', duplicate: true }] })
  assert.equal((await shown(script!.replace('curl', 'body={}; curl'))).code, 'millrace/bad-signature')
  await triage.idle()
  assert.deepEqual(await triage.read`select rule, ticket from done`, [{ rule: 'new bug', ticket: 'ada/mill#7' }])
})
