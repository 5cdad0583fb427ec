// OpenTelemetry is an optional peer: it is loaded when an app starts, once for a process. Without the package, and where
// no SDK is registered by then, an app has no telemetry.
import { inBrief } from '../../model/people.ts'
import type { Telemetry } from '../../seam/telemetry.ts'
import type { World } from '../../seam/world.ts'
import { Sdk } from './telemetry-sdk.ts'
import { OpenTelemetry } from './telemetry-spans.ts'

type Api = typeof import('@opentelemetry/api')

let loading: Promise<Api> | undefined

/** The telemetry of one run; undefined where nobody listens. Never rejects. */
export async function telemetry(log: World['log']): Promise<Telemetry | undefined> {
  try {
    // A bundler leaves a missing package to the run where its failure is caught at the import itself.
    loading ??= import('@opentelemetry/api').catch((error) => {
      throw error
    })
    const api = await loading
    return isHeard(api) ? new OpenTelemetry(new Sdk(api, log)) : undefined
  } catch (error) {
    if (!isAbsent(error)) log('warn', 'OpenTelemetry is not used: it cannot be loaded', { error: inBrief(error) })
    return undefined
  }
}

/** Whether a provider of traces or of metrics is registered: those of the API itself do nothing. */
function isHeard({ trace, metrics, ProxyTracerProvider, createNoopMeter }: Api): boolean {
  const given = trace.getTracerProvider() as { getDelegate?(): unknown }
  const tracers = given.getDelegate?.() ?? given
  if (tracers !== new ProxyTracerProvider().getDelegate()) return true
  return metrics.getMeterProvider().getMeter('millrace') !== createNoopMeter()
}

const isAbsent = (error: unknown) =>
  (error as { code?: unknown }).code === 'ERR_MODULE_NOT_FOUND' && inBrief(error).includes('@opentelemetry/api')
