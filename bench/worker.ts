import type { Answer } from './child.ts'
import { perform } from './perform.ts'
import type { Task } from './task.ts'

const { task, folder } = JSON.parse(process.argv[2] ?? '') as { task: Task; folder: string }

process.on('disconnect', () => process.exit(1))

const answer: Answer = await perform(task, folder).then(
  (figures) => ({ figures }),
  (error) => ({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
)
// A bench that is gone by now needs no answer.
process.send?.(answer, undefined, {}, () => {})
