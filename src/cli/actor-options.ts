// The options of every action: who acts, and why.
import type { Command } from 'commander'

export function actor(command: Command): Command {
  return command
    .option('--reason <text>', 'why, for the audit log')
    .option('--by <name>', 'who, for the audit log (default: the user of this computer)')
}
