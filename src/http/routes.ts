// The one table of routes, in groups. A route that is not here is not there.
import type { Group } from './route.ts'
import { commandRoutes } from './routes/commands.ts'
import { descriptionRoutes, topologyRoutes } from './routes/descriptions.ts'
import { eventRoutes } from './routes/events.ts'
import { eventOutRoutes } from './routes/events-out.ts'
import { handshakeRoutes } from './routes/handshake.ts'
import { healthRoutes } from './routes/health.ts'
import { hookRoutes } from './routes/hooks.ts'
import { metricsRoutes } from './routes/metrics.ts'
import { openApiRoutes } from './routes/openapi.ts'
import { peopleRoutes } from './routes/people.ts'
import { sessionRoutes } from './routes/session.ts'
import { settingsRoutes } from './routes/settings.ts'
import { streamRoutes } from './routes/stream.ts'

export const groups: readonly Group[] = [
  eventRoutes,
  eventOutRoutes,
  handshakeRoutes,
  commandRoutes,
  hookRoutes,
  healthRoutes,
  metricsRoutes,
  descriptionRoutes,
  topologyRoutes,
  settingsRoutes,
  sessionRoutes,
  peopleRoutes,
  streamRoutes,
  openApiRoutes(() => groups),
]
