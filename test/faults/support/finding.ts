// An app with a finder, in a process that is killed: it publishes a number that others name as their cause.
import { app, event, processor, sqlite, topic } from 'millrace'
import { z } from 'zod'

const data = z.object({ n: z.number(), text: z.string() })
const Asked = event('asked', { schema: data, context: ({ n }) => `c${n % 7}` })
const Answered = event('answered', { schema: data, context: ({ n }) => `c${n % 7}` })
const Asks = topic('asks', [Asked])
const Answers = topic('answers', [Answered])

export function findingApp(file: string) {
  const answer = processor('answer', {
    on: Asks,
    publishes: [Answered],
    handle: { asked: ({ data: asked }, { publish }) => publish(Answered, asked) },
  })
  const shop = app({
    name: 'shop',
    broker: sqlite({ file }),
    parts: [Asks, Answers, answer],
    log: () => {},
    finder: true,
  })
  return { shop, ask: (n: number) => shop.publish(Asked, { n, text: `word${n}` }) }
}

if (import.meta.main) {
  const { shop, ask } = findingApp(process.argv[2]!)
  await shop.start({ control: false })
  // Fewer than the index can take before the test asks again: the log must not run far ahead of it.
  for (let n = 0; n < 50; n++) await Promise.all(Array.from({ length: 20 }, (_, at) => ask(20 * n + at)))
  setInterval(() => {}, 60_000)
}
