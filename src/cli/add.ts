// What the files that name the commands of a group need of the command line.
import type { Command } from 'commander'
import type { Call } from './call.ts'

/** Does a command. Gives the exit status. */
export type Run<Options> = (call: Call, options: Options) => Promise<number>

/** Adds a command with the options that all commands have; `list` is the default command of a group. */
export type Add = <Options>(
  parent: Command,
  name: string,
  usage: string,
  text: string,
  run: Run<Options>,
  ...examples: readonly string[]
) => Command
