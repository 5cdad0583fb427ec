import { tmpdir } from 'node:os'
import { parseArgs } from 'node:util'
import type { ScaleName } from './scale.ts'

export const help = `usage: npm run bench -- [options]

  --quick         small numbers, the whole run within a minute
  --full          adds a log of 10 million events; needs minutes and some 10 GB of disk
  --tiny          a few seconds, to see that the bench itself works; the numbers mean nothing
  --only PATTERN  names that are PATTERN or lie below it (latency, latency.1000); can be repeated
  --no-peers      leave the peers out
  --json          one JSON object per line instead of the table
  --dir FOLDER    where the files of the bench are put, default the temporary folder
  --help          this text`

/** What the command line asks for. */
export interface Options {
  scale: ScaleName
  only: string[]
  peers: boolean
  json: boolean
  dir: string
  help: boolean
}

/** Reads the command line; throws an error that says what is wrong with it. */
export function parseOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean' },
      full: { type: 'boolean' },
      tiny: { type: 'boolean' },
      only: { type: 'string', multiple: true, default: [] },
      'no-peers': { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      dir: { type: 'string', default: tmpdir() },
      help: { type: 'boolean', default: false },
    },
  })
  const asked = (['tiny', 'quick', 'full'] as const).filter((name) => values[name])
  if (asked.length > 1) throw new Error(`--${asked[0]} and --${asked[1]} do not go together`)
  return {
    scale: asked[0] ?? 'standard',
    only: values.only,
    peers: !values['no-peers'],
    json: values.json,
    dir: values.dir,
    help: values.help,
  }
}
