// The commands below `millrace processors`.
import type { Command } from 'commander'
import { defaults } from '../index.ts'
import { actor } from './actor-options.ts'
import type { Add } from './add.ts'
import { wholeNumber } from './call.ts'
import {
  processorsDeliveries,
  processorsEndpoints,
  processorsList,
  processorsPause,
  processorsReset,
  processorsResume,
  processorsRetire,
  processorsSet,
  processorsTest,
} from './commands/processors.ts'
import { processorsSeries } from './commands/series.ts'

export function addProcessors(processors: Command, add: Add): void {
  add(processors, {
    name: 'list',
    usage: '[app.ts]',
    text: 'show the progress of each processor',
    run: processorsList,
    examples: ['processors list --db shop.db'],
  })
  const inBounds = wholeNumber('--concurrency', defaults.concurrency.min, defaults.concurrency.max)
  actor(
    add(processors, {
      name: 'set',
      usage: '[app.ts] NAME --concurrency N',
      text: 'set how many handlers of a processor run at once',
      run: processorsSet,
      examples: [
        'processors set app.ts stock --concurrency 2 --reason "slow bank"',
        'processors set app.ts stock --concurrency default',
      ],
    }).requiredOption('--concurrency <n>', 'the most handlers running at once; default: as the code says', (word) =>
      word === 'default' ? word : inBounds(word),
    ),
  )
  actor(
    add(processors, {
      name: 'pause',
      usage: '[app.ts] NAME',
      text: 'pause a processor until it is resumed',
      run: processorsPause,
      examples: ['processors pause app.ts stock --reason "stocktaking"'],
    }),
  )
  actor(
    add(processors, {
      name: 'resume',
      usage: '[app.ts] NAME',
      text: 'resume a paused processor',
      run: processorsResume,
      examples: ['processors resume app.ts stock'],
    }),
  )
  actor(
    add(processors, {
      name: 'reset',
      usage: '[app.ts] NAME --to WHERE',
      text: 'let a processor of a topic begin anew: says what that does, then does it',
      run: processorsReset,
      examples: [
        'processors reset app.ts totals --to beginning --dry-run',
        'processors reset app.ts totals --to 2026-11-28 --reason "a bug"',
      ],
    })
      .requiredOption('--to <where>', 'the first message: beginning, now, a date or a position')
      .option('--again-to-the-world', 'even if it publishes and sends again what it did before')
      .option('--dry-run', 'only say what it would do'),
  )
  add(processors, {
    name: 'series',
    usage: '[app.ts] [NAME]',
    text: 'show rate, lag and times of the last hour, in samples',
    run: processorsSeries,
    examples: ['processors series app.ts', 'processors series app.ts stock --json'],
  })
  add(processors, {
    name: 'endpoints',
    usage: '[app.ts]',
    text: 'show the systems that parts deliver to, and their last answers',
    run: processorsEndpoints,
    examples: ['processors endpoints app.ts'],
  })
  add(processors, {
    name: 'deliveries',
    usage: '[app.ts] NAME',
    text: 'show the newest requests of a part made by deliver, and their answers',
    run: processorsDeliveries,
    examples: ['processors deliveries app.ts billing'],
  })
  actor(
    add(processors, {
      name: 'test',
      usage: '[app.ts] NAME',
      text: 'send a test event to the endpoint of a part made by deliver',
      run: processorsTest,
      examples: ['processors test app.ts billing'],
    }),
  )
  actor(
    add(processors, {
      name: 'retire',
      usage: '[app.ts] NAME',
      text: 'retire a removed processor, so that no messages are kept for it',
      run: processorsRetire,
      examples: ['processors retire app.ts old-labels'],
    }),
  ).option('--force', 'even if it holds messages, or if only --db is named')
}
