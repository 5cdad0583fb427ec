// The words of the command line itself: help, examples, and what is wrong with arguments.
import { statSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import { commandLine } from '../operate/command-line.ts'
import { isAppFile } from './call.ts'
import { UsageError } from './output.ts'
import { safe } from './print.ts'

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

/** What is wrong with words where a folder stands in the place of the app file. */
export function folderText(words: readonly string[]): string | undefined {
  if (words.some(isAppFile)) return undefined
  const folder = words.find((word) => statSync(word, { throwIfNoEntry: false })?.isDirectory() === true)
  return folder === undefined
    ? undefined
    : `${safe(folder)} is a folder: name the app file in it, such as ${safe(join(folder, 'app.ts'))}`
}

/** Says of a wrong use that a folder is named, where one is; `init` is the command that takes one. */
export function atFolder(words: readonly string[], [command]: readonly string[]): (error: unknown) => never {
  return (error) => {
    const text = error instanceof UsageError && command !== 'init' ? folderText(words) : undefined
    throw text === undefined ? error : new UsageError(text)
  }
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
