// The commands below `millrace schedules`.
import type { Command } from 'commander'
import { actor } from './actor-options.ts'
import type { Add } from './add.ts'
import { wholeNumber } from './call.ts'
import { schedulesDelayed, schedulesFire, schedulesList } from './commands/schedules.ts'

export function addSchedules(schedules: Command, add: Add): void {
  add(schedules, {
    name: 'list',
    usage: '[app.ts]',
    text: 'show the schedules: when each comes next, and came last',
    run: schedulesList,
    examples: ['schedules list app.ts'],
  })
  add(schedules, {
    name: 'delayed',
    usage: '[app.ts]',
    text: 'show the messages that come later, in the order in which they are due',
    run: schedulesDelayed,
    examples: ['schedules delayed app.ts --limit 100'],
  })
    .option('--after <place>', 'the next page, as the page before says')
    .option('--limit <n>', 'the most rows (default 50, at most 200)', wholeNumber('--limit', 1, 200))
  actor(
    add(schedules, {
      name: 'fire',
      usage: '[app.ts] <name>',
      text: 'publish the event of a schedule once more, now; its slots come as before',
      run: schedulesFire,
      examples: ['schedules fire app.ts nightly --reason "the night was missed"'],
    }),
  )
}
