// The commands below `millrace tokens`.
import type { Command } from 'commander'
import { actor } from './actor-options.ts'
import type { Add } from './add.ts'
import { span } from './call.ts'
import { grantIn, tokensList, tokensMake, tokensRevoke } from './commands/tokens.ts'

export function addTokens(tokens: Command, add: Add): void {
  add(tokens, {
    name: 'list',
    usage: '[app.ts]',
    text: 'show who has a token, what it allows, and until when',
    run: tokensList,
    examples: ['tokens list app.ts'],
  })
  actor(
    add(tokens, {
      name: 'make',
      usage: '[app.ts] NAME --grant ROLE',
      text: 'make a token and print it, this once',
      run: tokensMake,
      examples: ['tokens make app.ts "till 3" --grant sender:orders --expires 90d'],
    })
      .option(
        '--grant <role>',
        'reader, sender, clerk, operator or admin; clerk:ledger,mail-* for some names; may be repeated',
        (text, before: ReturnType<typeof grantIn>[] = []) => [...before, grantIn(text)],
      )
      .option('--expires <span>', 'after this time it no longer counts: 12h, 90d (default: never)', span('--expires')),
  )
  actor(
    add(tokens, {
      name: 'revoke',
      usage: '[app.ts] NAME',
      text: 'end a token: nobody gets in with it',
      run: tokensRevoke,
      examples: ['tokens revoke app.ts "till 3" --reason "the till was stolen"'],
    }),
  )
}
