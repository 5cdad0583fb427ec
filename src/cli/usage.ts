// The words of the command line itself: help, examples, and what is wrong with arguments.
import type { Command } from 'commander'
import { commandLine } from '../operate/command-line.ts'

export const exitText: string = `
A command takes the app file (a path that ends in .ts, .mts, .js or .mjs), or
--db FILE, the database of the app. It reaches a running app over the socket
beside that file; of a stopped app it reads the file.

Exit status: 0 done; 1 failed; 2 used wrongly; 130 ended by Ctrl-C, 143 by
SIGTERM. ${commandLine('help COMMAND')} has the options and an example.`

/** `help desk show` is `desk show --help`; the parser itself knows one word after `help`. */
export function helped(argv: readonly string[]): string[] {
  const [first, ...words] = argv
  return first === 'help' && words.length > 1 ? [...words, '--help'] : [...argv]
}

/** Names the help of the command that the arguments name, whatever else is wrong with them. */
export function helpFor(program: Command, argv: readonly string[]): string {
  const names: string[] = []
  let found = program
  for (const word of argv) {
    const inner = found.commands.find((command) => command.name() === word)
    if (inner === undefined) continue
    found = inner
    names.push(word)
  }
  // The default command of a group.
  if (found !== program && found.commands.length > 0) names.push('list')
  return commandLine([...names, '--help'].join(' '))
}

/** Formats an example; a comment that makes it too long for a terminal stands above it. */
export function exampleText(example: string): string {
  const line = `  ${commandLine(example)}`
  const [command, comment] = line.split(/ +# /)
  return comment === undefined || line.length <= 80 ? line : `  # ${comment}\n${command}`
}

/** Rewords a usage error of commander, such as "error: unknown option '--jsn'\n(Did you mean --json?)". */
export function usageText(text: string, help: string): string {
  const [what = '', hint = ''] = text
    .trim()
    .replace(/^error: /, '')
    .replace(
      /^required option '(--\S+) <(.*)>' not specified$/,
      (_, option, value) => `${option} ${value.toUpperCase()} is missing`,
    )
    .replace(
      /^option '(?:-\S, )?(--\S+) <(.*)>' argument missing$/,
      (_, option, value) => `${option} needs ${value.toUpperCase()}`,
    )
    .split('\n')
  const suggestion = /\(Did you mean (.*)\?\)/.exec(hint)?.[1]
  // The commands of a group are in its own help, not in that of its default.
  const see = what.startsWith('unknown command') ? help.replace(' list --help', ' --help') : help
  return `millrace: ${what}${suggestion === undefined ? `; see ${see}` : `; did you mean ${suggestion}?`}`
}
