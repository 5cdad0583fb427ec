// The commands about the file of an app, and what the app is set to.
import type { Command } from 'commander'
import type { Add } from './add.ts'
import { backup } from './commands/backup.ts'
import { doctor } from './commands/doctor.ts'
import { type MoveWords, move } from './commands/move.ts'
import { restore } from './commands/restore.ts'
import { settings } from './commands/settings.ts'
import { sql } from './commands/sql.ts'

export function addStore(program: Command, add: Add): void {
  add(program, {
    name: 'doctor',
    usage: '[app.ts]',
    text: 'check the file and the app; status 1 when something is wrong',
    run: doctor,
    examples: ['doctor --db shop.db --full'],
  })
    .option('--full', 'check every index too; takes longer')
    .option('--accept', 'accept a file that may lack its newest messages (millrace/copy-without-wal)')
  add(program, {
    name: 'settings',
    usage: 'app.ts',
    text: 'show the options of the app with their defaults, the versions and the disk',
    run: settings,
    examples: ['settings app.ts'],
  })
  add(program, {
    name: 'backup',
    usage: '[app.ts]',
    text: 'copy the file as it is at one moment, while the app runs or not',
    run: backup,
    examples: ['backup app.ts --to copies/shop-monday.db'],
  }).requiredOption('--to <file>', 'the path of the copy; no file may be there')
  add(program, {
    name: 'restore',
    usage: 'COPY [app.ts]',
    text: 'put a copy in place of the file of a stopped app, and move the file aside',
    run: restore,
    examples: ['restore copies/shop-monday.db --db shop.db'],
  })
  add(program, {
    name: 'sql',
    usage: '',
    text: 'print what makes the schema of Millrace in PostgreSQL, for an administrator',
    run: sql,
    examples: ['sql > millrace.sql   # then: psql --file millrace.sql shop'],
  })
  add<MoveWords>(program, {
    name: 'move',
    usage: '',
    text: 'move all data of a stopped app from a file to PostgreSQL, or back',
    run: move,
    examples: [
      'move --from shop.db --to postgres://shop@db/shop',
      'move --db shop.db --back   # forget that its data have moved',
      'move --db postgres://shop@db2/shop --here   # go on in a database that was restored elsewhere',
    ],
  })
    .option('--from <store>', 'the file, or the URL of the database, that is left')
    .option('--to <store>', 'a new file, or a database in which no app has run')
    .option('--back', 'let apps start on --db again, as of the move')
    .option('--here', 'let apps start on --db, which was restored or copied to another cluster')
}
