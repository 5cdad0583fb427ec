import { settingsOf } from '../../operate/settings.ts'
import type { Group } from '../route.ts'

/** What the app is set to and what it stands on. */
export const settingsRoutes: Group = {
  mounted: false,
  routes: [
    {
      method: 'GET',
      path: '/api/settings',
      may: 'run',
      does: 'Tells the options of the app with their defaults, the versions, and the room on its disk.',
      answers: {
        200: {
          is: 'The options and the versions. `disk` is null where the store is no file.',
          body: {
            fields: { app: 'text', version: 'any', millrace: 'text', node: 'text', options: 'list', disk: 'any' },
            needs: ['app', 'millrace', 'node', 'options'],
          },
        },
      },
      run: ({ app, edge }) => ({ status: 200, json: settingsOf(app, edge), headers: { 'cache-control': 'no-store' } }),
    },
  ],
}
