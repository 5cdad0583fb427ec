// The commands that look at corrections before they are sent, below `millrace desk`.
import type { Command } from 'commander'
import { actor } from './actor-options.ts'
import type { Add } from './add.ts'
import { deskCheck, deskForm } from './commands/desk-edits.ts'
import { deskTest, deskTry } from './commands/desk-trials.ts'

export function addEdits(desk: Command, add: Add): void {
  add(desk, {
    name: 'form',
    usage: '[app.ts] ID',
    text: 'print the JSON Schema of the data of a message',
    run: deskForm,
    examples: ['desk form app.ts 3 > order.schema.json'],
  })
  add(desk, {
    name: 'check',
    usage: '[app.ts] ID',
    text: 'check corrected data as resubmit does, and change nothing',
    run: deskCheck,
    examples: ['desk check app.ts 3 --data-file order.json', 'desk check app.ts 3 --change a.json'],
  })
    .option('--change <file>', 'changes of the data: a file, or JSON (JSON Patch)')
    .option('--data <json>', 'the corrected data; without it and the files from standard input')
    .option('--data-file <file>', 'a file with the corrected data')
  actor(
    add(desk, {
      name: 'try',
      usage: '[app.ts] ID',
      text: 'try a held message in the running app, and take everything back',
      run: deskTry,
      examples: ['desk try app.ts 3', 'desk try app.ts 3 --change a.json'],
    })
      .option('--change <file>', 'changes of the data: a file, or JSON (JSON Patch)')
      .option('--data <json>', 'the corrected data; default: the data as they are')
      .option('--data-file <file>', 'a file with the corrected data'),
  )
  actor(
    add(desk, {
      name: 'test',
      usage: '[app.ts] ID',
      text: 'make a test that fails as a message did; print it, or write it',
      run: deskTest,
      examples: ['desk test app.ts 3 --to test/', 'desk test app.ts 3 > ledger-3.test.ts'],
    }).option('--to <path>', 'the file, or the folder, to write it to'),
  )
}
