// The commands of claims, notes and snoozes, below `millrace desk`.
import type { Command } from 'commander'
import { actor } from './actor-options.ts'
import type { Add } from './add.ts'
import { span, wholeNumber } from './call.ts'
import { deskClaim, deskNote, deskSnooze, deskUnclaim, deskWake } from './commands/desk-claims.ts'

const idMax = Number.MAX_SAFE_INTEGER

export function addClaims(desk: Command, add: Add): void {
  actor(
    add(desk, {
      name: 'claim',
      usage: '[app.ts] ID...',
      text: 'show others that you work on messages, and keep them off',
      run: deskClaim,
      examples: ['desk claim app.ts 3 --for 2h'],
    })
      .option('--for <span>', 'how long: 90s, 15min, 2h, 3d (default 30min)', span('--for'))
      .option('--take-over', 'take over the claim of somebody else, on record'),
  )
  actor(
    add(desk, {
      name: 'unclaim',
      usage: '[app.ts] ID...',
      text: 'end claims of your own',
      run: deskUnclaim,
      examples: ['desk unclaim app.ts 3'],
    }),
  )
  actor(
    add(desk, {
      name: 'note',
      usage: '[app.ts] (ID | --group GROUP) TEXT',
      text: 'leave a note on a message or a group',
      run: deskNote,
      examples: ['desk note app.ts 3 "ticket 17"', 'desk note app.ts --group 2 "the supplier knows"'],
    }).option('--group <id>', 'on this group (see desk groups)', wholeNumber('--group', 0, idMax)),
  )
  actor(
    add(desk, {
      name: 'snooze',
      usage: '[app.ts] GROUP --for SPAN',
      text: 'make a group quiet for a while; its messages stay held',
      run: deskSnooze,
      examples: ['desk snooze app.ts 2 --for 12h --reason "told the supplier"'],
    })
      .option('--for <span>', 'how long: 90s, 15min, 2h, 3d', span('--for'))
      .option('--until <time>', 'until this time: 2026-12-01T08:00:00Z')
      .option(
        '--or-count <n>',
        'or until so many are held (default: twice as many as now)',
        wholeNumber('--or-count', 1, idMax),
      ),
  )
  actor(
    add(desk, {
      name: 'wake',
      usage: '[app.ts] GROUP',
      text: 'end a snooze',
      run: deskWake,
      examples: ['desk wake app.ts 2'],
    }),
  )
}
