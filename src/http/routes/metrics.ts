import { isMillraceError } from '../../model/errors.ts'
import { countsOf } from '../counts.ts'
import { metricsText, metricsType } from '../metrics-text.ts'
import type { Call, Group } from '../route.ts'
import { statusOf } from '../status.ts'

/** What the engine counts, for a program that collects it. */
export const metricsRoutes: Group = {
  mounted: false,
  routes: [
    {
      method: 'GET',
      path: '/metrics',
      may: 'see',
      does: 'Gives what is counted of the parts, as text for Prometheus.',
      answers: { 200: { is: 'The counters, in format 0.0.4.', type: 'text/plain' } },
      run: async ({ app }) => {
        const body = metricsText({ health: app.health().status, metrics: await measured(app), edge: countsOf(app) })
        return { status: 200, body, headers: { 'content-type': metricsType, 'cache-control': 'no-store' } }
      },
    },
  ],
}

/** An app that does not run is no error to who measures it. */
async function measured(app: Call['app']) {
  try {
    return await app.metrics()
  } catch (error) {
    if (isMillraceError(error) && statusOf(error.code) === 503) return undefined
    throw error
  }
}
