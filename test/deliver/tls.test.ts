// `deliver` over TLS: a certificate that fits, and certificates that do not.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import test, { type TestContext } from 'node:test'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { app, event, sqlite, topic } from 'millrace'
import { deliver } from 'millrace/http'
import { z } from 'zod'
import { folder } from '../cli/support/millrace.ts'
import { place, started } from '../support.ts'

const Placed = event('placed', { schema: z.object({ n: z.number() }) })
const Orders = topic('orders', [Placed])

/** An authority that this process trusts, one that it does not, and what they sign. */
function authorities(t: TestContext) {
  const at = folder(t)
  const make = (name: string, ...more: string[]) => {
    const [key, cert] = [join(at, `${name}.key`), join(at, `${name}.pem`)]
    const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
    const args = ['req', '-x509', ...kind, '-subj', `/CN=${name}`, '-keyout', key, '-out', cert, ...more]
    execFileSync('openssl', args, { stdio: 'pipe' })
    return { name, key: readFileSync(key), cert: readFileSync(cert) }
  }
  const ends = ['-addext', 'basicConstraints=critical,CA:FALSE']
  const signed = (by: string, name: string, host: string) => {
    const signer = ['-CA', join(at, `${by}.pem`), '-CAkey', join(at, `${by}.key`)]
    return make(name, ...signer, ...ends, '-addext', `subjectAltName=${host}`)
  }
  const { cert } = make('ours')
  make('theirs')
  const before = getCACertificates('default')
  setDefaultCACertificates([...before, String(cert)])
  t.after(() => setDefaultCACertificates(before))
  return {
    right: signed('ours', 'right', 'IP:127.0.0.1'),
    wrong: [signed('theirs', 'stranger', 'IP:127.0.0.1'), signed('ours', 'other', 'DNS:sink.example')],
  }
}

/** A sink by TLS: its first connections get other certificates. */
async function sink(t: TestContext, right: object, wrong: readonly object[]) {
  const got: unknown[] = []
  const server = createServer({ ...(wrong[0] ?? right) }, async (request, response) => {
    got.push(JSON.parse(await text(request)).data)
    response.writeHead(204).end()
  })
  let connections = 0
  // The certificate of a connection is taken when it comes: this is about the next one.
  server.on('connection', () => {
    connections += 1
    server.setSecureContext(wrong[connections] ?? right)
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const out = deliver('out', {
    on: Orders,
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}/in`,
    allow: ['127.0.0.1'],
    retry: { attempts: 2, firstDelayMs: 10 },
    probeFirstMs: 10,
  })
  const parts = [Orders, out]
  const shop = await started(t, app({ name: 'shop', broker: sqlite({ file: place(t) }), log: () => {}, parts }))
  return { shop, got, connections: () => connections }
}

test('an event is sent by TLS to a host with a certificate of an authority that is trusted', async (t) => {
  const { right } = authorities(t)
  const { shop, got, connections } = await sink(t, right, [])
  await shop.publish(Placed, { n: 1 })
  await shop.idle()
  await shop.publish(Placed, { n: 2 })
  await shop.idle()
  assert.deepEqual(got, [{ n: 1 }, { n: 2 }])
  assert.equal(connections(), 1, 'the connection is kept')
  assert.deepEqual(
    (await shop.processors.deliveries('out')).map(({ outcome, status }) => [outcome, status]),
    [
      ['answered', 204],
      ['answered', 204],
    ],
  )
})

test('a certificate of a stranger, or for another host, is refused, nothing is sent, and it is tried again', async (t) => {
  const { right, wrong } = authorities(t)
  const { shop, got } = await sink(t, right, wrong)
  await shop.publish(Placed, { n: 1 })
  await shop.idle()
  assert.deepEqual(got, [{ n: 1 }])
  const sent = await shop.processors.deliveries('out')
  assert.deepEqual(
    sent.map(({ outcome, error }) => [outcome, error?.code]),
    [
      ['answered', undefined],
      ['not sent', 'ERR_TLS_CERT_ALTNAME_INVALID'],
      ['not sent', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
    ],
  )
  assert.equal((await shop.desk.counts()).held, 0)
})
