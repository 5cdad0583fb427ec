// The commands below `millrace flows`.
import type { Command } from 'commander'
import { actor } from './actor-options.ts'
import type { Add } from './add.ts'
import { span, wholeNumber } from './call.ts'
import { flowsForm, flowsList, flowsQuestions } from './commands/flows.ts'
import { flowsAnswer, flowsCancel, flowsPause, flowsRerun, flowsResume, flowsStop } from './commands/flows-act.ts'
import { flowsCheck } from './commands/flows-check.ts'
import { flowsShow } from './commands/flows-show.ts'

export function addFlows(flows: Command, add: Add): void {
  add(flows, {
    name: 'list',
    usage: '[app.ts]',
    text: 'show pending flows, or those in other states',
    run: flowsList,
    examples: [
      'flows list app.ts --state stuck,paused',
      'flows list app.ts --step pay --older-than 2h   # which hang there?',
    ],
  })
    .option('--mediator <name>', 'only of this mediator')
    .option(
      '--state <names>',
      'queued, running, compensating, stuck, paused (default: these), completed, compensated, failed, stopped; or all',
      (text) => text.split(','),
    )
    .option('--context <value>', 'only of this context')
    .option('--step <name>', 'only flows with this pending step')
    .option(
      '--older-than <span>',
      'only flows that began at least this long ago: 90s, 15min, 2h, 3d',
      span('--older-than'),
    )
    .option('--after <id>', 'only flows after this one', wholeNumber('--after', 0, Number.MAX_SAFE_INTEGER))
    .option('--limit <n>', 'the most rows (default 100)', wholeNumber('--limit', 1, 1_000_000))
  add(flows, {
    name: 'show',
    usage: '[app.ts] ID',
    text: 'show one flow: its steps, what it waits for, why it failed',
    run: flowsShow,
    examples: ['flows show app.ts 7'],
  })
  add(flows, {
    name: 'questions',
    usage: '[app.ts]',
    text: 'show the questions of flows to people',
    run: flowsQuestions,
    examples: ['flows questions app.ts --to sales'],
  })
    .option('--mediator <name>', 'only of this mediator')
    .option('--to <name>', 'only questions to this person or team')
    .option('--after <id>', 'only questions after this one', wholeNumber('--after', 0, Number.MAX_SAFE_INTEGER))
    .option('--limit <n>', 'the most rows (default 100)', wholeNumber('--limit', 1, 1_000_000))
  add(flows, {
    name: 'form',
    usage: '[app.ts] ID STEP',
    text: 'print the JSON Schema of the answer to a question',
    run: flowsForm,
    examples: ['flows form app.ts 7 approve'],
  })
  actor(
    add(flows, {
      name: 'answer',
      usage: '[app.ts] ID STEP JSON',
      text: 'answer a question of a flow',
      run: flowsAnswer,
      examples: ['flows answer app.ts 7 approve \'{ "yes": true }\' --by anna'],
    }),
  )
  actor(
    add(flows, {
      name: 'cancel',
      usage: '[app.ts] ID...',
      text: 'cancel flows that have not ended; their steps are undone',
      run: flowsCancel,
      examples: ['flows cancel app.ts 7 --reason "the customer has called"'],
    }),
  )
  actor(
    add(flows, {
      name: 'stop',
      usage: '[app.ts] ID...',
      text: 'stop flows as they are; nothing is undone',
      run: flowsStop,
      examples: ['flows stop app.ts 7 --reason "delivered by hand"'],
    }),
  )
  actor(
    add(flows, {
      name: 'pause',
      usage: '[app.ts] ID...',
      text: 'pause running flows until they are resumed',
      run: flowsPause,
      examples: ['flows pause app.ts 7 --reason "look at it first"'],
    }),
  )
  actor(
    add(flows, {
      name: 'resume',
      usage: '[app.ts] ID...',
      text: 'resume paused or stuck flows',
      run: flowsResume,
      examples: ['flows resume app.ts 7 8 9'],
    }),
  )
  actor(
    add(flows, {
      name: 'rerun',
      usage: '[app.ts] ID',
      text: 'run an ended flow again, as a new flow',
      run: flowsRerun,
      examples: ['flows rerun app.ts 7 --from pay   # what came before is taken over'],
    }),
  ).option('--from <step>', 'from this step on (default: from the beginning)')
  add(flows, {
    name: 'check',
    usage: 'app.ts',
    text: 'check that pending flows fit the code; status 1 if not',
    run: flowsCheck,
    examples: ['flows check app.ts --db copies/shop-monday.db   # before a deployment'],
  }).option('--all', 'also ended flows that are still kept')
}
