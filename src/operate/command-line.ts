// The command line names its commands as errors do.
export { commandLine } from '../model/command-line.ts'
