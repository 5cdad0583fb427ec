// The commands that look at corrections before they are sent, below `millrace desk`.
import type { Command } from 'commander'
import type { Add } from './add.ts'
import { deskCheck, deskForm } from './commands/desk-edits.ts'

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
}
