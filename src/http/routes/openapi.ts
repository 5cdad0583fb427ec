import { openApiOf } from '../openapi.ts'
import type { Group } from '../route.ts'

/** The table describes itself, with this route. */
export function openApiRoutes(groups: () => readonly Group[]): Group {
  return {
    mounted: false,
    routes: [
      {
        method: 'GET',
        path: '/openapi.json',
        may: 'anyone signed in',
        does: 'Describes all routes, as OpenAPI 3.1.',
        answers: { 200: { is: 'The document.', body: 'any' } },
        run: ({ app: { name, version }, basePath }) => {
          return { status: 200, json: openApiOf({ name, version, basePath }, groups()) }
        },
      },
    ],
  }
}
