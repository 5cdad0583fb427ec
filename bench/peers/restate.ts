import { once } from 'node:events'
import { createServer, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { ended, endOf } from '../ends.ts'
import { timed } from '../measure.ts'
import type { Figures, FlowLoad, Span } from '../task.ts'
import { load as loadPeer } from './load.ts'
import { host, startRestate } from './restate-server.ts'

interface Step {
  id: string
  step: number
}

/** What the bench uses of the SDK. */
interface Sdk {
  service(options: { name: string; handlers: object }): Service
  createEndpointHandler(options: {
    services: Service[]
    logger: () => void
  }): (request: Http2ServerRequest, response: Http2ServerResponse) => void
}

interface Service {
  name: string
}

interface Context {
  serviceClient(service: Service): { step(step: Step): Promise<{ step: number }> }
}

interface Clients {
  connect(options: { url: string }): {
    serviceClient(service: Service): { run(flow: { id: string }): Promise<void> }
  }
}

/**
 * Flows of Restate: a handler that calls another service's handler, one call after the other. That is what corresponds
 * to a command: its call is in the journal of the flow, somebody else handles it as an invocation of its own, and the
 * reply is written before the flow goes on. A step by `ctx.run` has no other handler and would do less.
 * A flow begins with a call through the ingress; the rate counts until each of these calls has its result.
 */
export async function restateFlows(load: FlowLoad & Span & { program: string }, folder: string): Promise<Figures> {
  const { steps: count, inFlight, program, ...span } = load
  const { service, createEndpointHandler } = await loadPeer<Sdk>('@restatedev/restate-sdk')
  const { connect } = await loadPeer<Clients>('@restatedev/restate-sdk-clients')
  const steps = service({ name: 'steps', handlers: { step: async (_: Context, { step }: Step) => ({ step }) } })
  const flows = service({
    name: 'flows',
    handlers: {
      run: async (context: Context, { id }: { id: string }) => {
        for (let step = 0; step < count; step++) await context.serviceClient(steps).step({ id, step })
        ended(id)
      },
    },
  })

  const server = await startRestate(program, folder)
  try {
    const handlers = createServer(createEndpointHandler({ services: [steps, flows], logger: () => {} }))
    handlers.listen(0, host)
    await once(handlers, 'listening')
    await register(server.admin, `http://${host}:${(handlers.address() as AddressInfo).port}`)
    const client = connect({ url: server.ingress }).serviceClient(flows)

    let results: Promise<void>[] = []
    const one = async (id: string) => {
      const end = endOf(id)
      const result = client.run({ id })
      results.push(result)
      // A call that fails ends the run.
      await Promise.race([end, result])
    }
    const rest = async () => {
      await Promise.all(results)
      results = []
    }
    const figures = await timed(span, inFlight, one, rest)
    handlers.close()
    return figures
  } finally {
    await server.stop()
  }
}

async function register(admin: string, uri: string): Promise<void> {
  const answer = await fetch(`${admin}/deployments`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ uri }),
  })
  if (!answer.ok) throw new Error(`Restate refused the handlers: ${answer.status} ${await answer.text()}`)
}
