// The command `millrace alerts`.
import type { Command } from 'commander'
import type { Add } from './add.ts'
import { alerts } from './commands/alerts.ts'

export function addAlerts(program: Command, add: Add): void {
  add(program, {
    name: 'alerts',
    usage: '[app.ts]',
    text: 'show the alerts that are raised and not well again',
    run: alerts,
    examples: ['alerts app.ts', 'alerts --db shop.db --json'],
  })
}
