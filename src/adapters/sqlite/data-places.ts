// Every place of the file where data of messages lie, or what is made from them. Whatever shows, exports or removes data
// goes by this list; a test plants data in every column and finds them nowhere else. The tables of users are not in it.

/** A column that may hold data of messages. */
export interface DataPlace {
  /** The table; `millrace_log_N` for the log of each stream. */
  readonly table: string
  readonly column: string
  /**
   * `data`: the data of one message, as JSON. `record`: JSON that has data of messages somewhere in it. `text`: a text
   * that functions of the user make, such as the message of an error. `key`: an id or a context. `words`: what people
   * write.
   */
  readonly holds: 'data' | 'record' | 'text' | 'key' | 'words'
  /** The column of the same row that tells the type of `data`: `kind` is a number of `millrace_kinds`. */
  readonly typedBy?: 'kind' | 'type' | undefined
}

type Columns = Partial<Record<DataPlace['holds'], readonly string[]>>

/** What the copies of a message have in every table that keeps some. */
const message = { data: ['data'], record: ['attributes'] } as const
const keys = ['context', 'correlation', 'causation'] as const

const tables: Readonly<Record<string, Columns>> = {
  millrace_log_N: { ...message, key: ['id', ...keys] },
  millrace_timers: { ...message, key: ['message_id', ...keys] },
  millrace_desk: {
    data: ['data', 'original'],
    record: ['attributes', 'error', 'tries'],
    key: ['message_id', 'lane', ...keys],
    words: ['claimed_by'],
  },
  millrace_desk_groups: { text: ['fingerprint'], words: ['snoozed_by', 'snoozed_why'] },
  millrace_ids: { key: ['id', 'source'] },
  millrace_gathers: { key: ['context'] },
  millrace_gathered: { data: ['data'], key: ['context'] },
  millrace_requests: { record: ['outcome'], key: ['id'] },
  millrace_withdrawn: { key: ['id'] },
  millrace_flows: { record: ['message', 'error', 'result'], key: ['context', 'once'] },
  millrace_journal: { record: ['data'], text: ['step', 'what'] },
  millrace_questions: { text: ['step', 'title', 'to_whom'] },
  millrace_mail: { record: ['message'], key: ['context'] },
  millrace_audit: { record: ['detail'], words: ['who', 'why'], text: ['subject'] },
  millrace_wishes: { record: ['wish'], words: ['who', 'why'] },
  millrace_operations: { record: ['change'], words: ['name', 'who', 'why'] },
  millrace_selected: { text: ['error'] },
  millrace_tokens: { words: ['name', 'who'] },
  millrace_paused: { words: ['who', 'why'] },
}

export const dataPlaces: readonly DataPlace[] = Object.entries(tables).flatMap(([table, columns]) =>
  Object.entries(columns).flatMap(([holds, names]) =>
    names.map((column): DataPlace => {
      const place = { table, column, holds: holds as DataPlace['holds'] }
      if (holds !== 'data') return place
      return { ...place, typedBy: table === 'millrace_gathered' ? 'type' : 'kind' }
    }),
  ),
)
