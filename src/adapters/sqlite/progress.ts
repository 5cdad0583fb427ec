// How far each processor is in each stream. To update its row is the acknowledgement of what it has handled.
import { fault } from '../../model/errors.ts'
import type { ProgressRow, ProgressStore, Subscribed } from '../../seam/progress.ts'
import type { Beside } from './beside-commits.ts'
import { keyNameOf, newKeyName } from './key-names.ts'
import type { Log } from './log.ts'
import type { Statements } from './statements.ts'

type TakenUp = Pick<Subscribed, 'epoch' | 'low' | 'done' | 'generation'>
const takeUpText = `insert into millrace_progress (processor, stream, epoch, low) values (?, ?, 1, ?)
  on conflict do update set epoch = epoch + 1 returning epoch, low, done, generation`
const writeText = 'update millrace_progress set low = ?, done = ? where processor = ? and stream = ? and epoch = ?'

export class ProgressTable implements ProgressStore {
  private readonly file: string
  private readonly sql: Statements
  private readonly log: Log
  private readonly beside: Beside

  constructor(file: string, sql: Statements, log: Log, beside: Beside) {
    this.file = file
    this.sql = sql
    this.log = log
    this.beside = beside
  }

  async subscribe(processor: string, stream: number, after: number): Promise<Subscribed> {
    const head = this.log.newest(stream)
    const { keyName, ...row } = await this.beside.write(() => {
      const taken = this.sql.one<TakenUp>(takeUpText, processor, stream, after)!
      return { ...taken, keyName: (taken.epoch === 1 ? newKeyName : keyNameOf)(this.sql, processor) }
    })
    if (row.low > head) {
      throw fault(
        'millrace/corrupt-file',
        `${this.file}: processor "${processor}" is at ${row.low}, but its stream ends at ${head}`,
      )
    }
    const sql = 'select position from millrace_marks where processor = ? and stream = ? order by position'
    const marks = this.sql.all<{ position: number }>(sql, processor, stream)
    return { processor, stream, ...row, marks: marks.map(({ position }) => position), keyName }
  }

  async rows(): Promise<ProgressRow[]> {
    return progressRows(this.sql)
  }

  async clearMarks(processors: readonly string[]): Promise<void> {
    await this.beside.write(() => {
      for (const processor of processors) this.sql.run('delete from millrace_marks where processor = ?', processor)
    })
  }

  /** Writes how far a processor is; in the transaction of a commit. */
  write({ low, done, processor, stream, epoch }: ProgressRow): void {
    if (this.sql.run(writeText, low, done, processor, stream, epoch) === 1) return
    throw fault('millrace/ownership-lost', `processor "${processor}" was taken over: its epoch ${epoch} has ended`)
  }
}

export function progressRows(sql: Statements): ProgressRow[] {
  return sql.all('select processor, stream, epoch, low, done from millrace_progress')
}
