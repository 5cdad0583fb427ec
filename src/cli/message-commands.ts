// The commands below `millrace messages`.
import type { Command } from 'commander'
import type { Add } from './add.ts'
import { span, wholeNumber } from './call.ts'
import { messagesList, messagesShow, messagesStory, moments } from './commands/messages.ts'
import { messagesReceipt } from './commands/receipt.ts'

export function addMessages(messages: Command, add: Add): void {
  add(messages, {
    name: 'list',
    usage: '[app.ts]',
    text: 'show messages, the newest first',
    run: messagesList,
    examples: ['messages list app.ts --topic orders --since 2h', 'messages list --db shop.db --context o-17 --json'],
  })
    .option('--topic <name>', 'only of this topic or channel')
    .option('--type <name>', 'only of this type')
    .option('--context <value>', 'only of this context')
    .option('--correlation <id>', 'only of this flow')
    .option('--since <time>', 'only from this time on: 2026-12-01T08:00:00Z, or 2h ago', at('--since'))
    .option('--until <time>', 'only before this time', at('--until'))
    .option('--text <words>', 'only with these words in their data')
    .option('--oldest', 'the oldest first')
    .option('--after <cursor>', 'continue where another list ended, as it said')
    .option('--limit <n>', 'the most rows (default 100)', wholeNumber('--limit', 1, 10_000))
  add(messages, {
    name: 'show',
    usage: '[app.ts] ID',
    text: 'show one message: its data, and what became of it',
    run: messagesShow,
    examples: ['messages show app.ts o-17', 'messages show app.ts o-17 --data > order.json'],
  }).option('--data', 'print only its data')
  add(messages, {
    name: 'receipt',
    usage: '[app.ts] ID',
    text: 'show what is on record about a message, without its data',
    run: messagesReceipt,
    examples: ['messages receipt app.ts o-17', 'messages receipt app.ts o-17 --json > receipt.json'],
  })
  add(messages, {
    name: 'story',
    usage: '[app.ts] ID',
    text: 'show the flow of a message: its causes and effects',
    run: messagesStory,
    examples: ['messages story app.ts o-17'],
  })
    .option('--after <cursor>', 'continue where another story ended, as it said')
    .option('--limit <n>', 'the most messages (default 500)', wholeNumber('--limit', 1, 5_000))
}

const at = (name: string) => moments(name, span(name))
