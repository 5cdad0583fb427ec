import type { Group } from '../route.ts'

const health = {
  fields: { status: { oneOf: ['green', 'red'] }, reasons: 'list' },
  needs: ['status', 'reasons'],
} as const

/** Whether the app works, for those who watch it. They say nothing about its data. */
export const healthRoutes: Group = {
  mounted: false,
  routes: [
    {
      method: 'GET',
      path: '/health',
      may: 'anyone',
      does: 'Tells whether the app works as it should.',
      answers: {
        200: { is: 'It does.', body: health },
        503: { is: 'It does not, for the reasons given.', type: 'application/json', body: health },
      },
      run: ({ app }) => {
        const json = app.health()
        return { status: json.status === 'green' ? 200 : 503, json, headers: { 'cache-control': 'no-store' } }
      },
    },
    {
      method: 'GET',
      path: '/ready',
      may: 'anyone',
      does: 'Tells whether the app takes messages.',
      answers: { 204: { is: 'It does.' } },
      run: ({ edge }) => {
        // Throws why it takes none.
        edge.intake()
        return { status: 204, headers: { 'cache-control': 'no-store' } }
      },
    },
  ],
}
