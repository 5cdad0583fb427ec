// The part of the command line that the groups of commands need.
import type { Command } from 'commander'
import type { Call } from './call.ts'

/** Does a command. Gives the exit status. */
export type Run<Options> = (call: Call, options: Options) => Promise<number>

export interface CommandWords<Options> {
  readonly name: string
  /** The usage after its name, as its help shows it. */
  readonly usage: string
  /** The description, in one line. */
  readonly text: string
  readonly run: Run<Options>
  /** Uses of it, without the word `millrace`. */
  readonly examples: readonly string[]
  /** True for a command that only another one calls. */
  readonly hidden?: boolean | undefined
}

/** Adds a command with the options that all commands have; `list` is the default command of a group. */
export type Add = <Options>(parent: Command, words: CommandWords<Options>) => Command
