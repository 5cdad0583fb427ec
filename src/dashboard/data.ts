// What a page shows of the server: read when it is first shown, and again when there is news. What was read stays in sight
// while it is read again, and when the server is away.
import { effect, type ReadonlySignal, signal } from '@preact/signals'
import { useEffect, useMemo } from 'preact/hooks'
import { type AnswerOf, type Params, Problem, type Query, type Reads, read } from './client.ts'
import { heard, type Kind, lost, news } from './live.ts'
import { ended } from './session.ts'

export interface Loaded<Value> {
  readonly value: Value | undefined
  /** Why the last look failed; undefined where it did not. */
  readonly problem: Problem | undefined
}

/** The newest answers, so that a page that is shown again is there at once. */
const answers = new Map<string, unknown>()
const answersMax = 50

function keep(key: string, value: unknown): void {
  answers.delete(key)
  if (answers.size >= answersMax) answers.delete(answers.keys().next().value!)
  answers.set(key, value)
}

export interface Read<Path extends Reads> {
  readonly path: Path
  readonly params?: Params | undefined
  readonly query?: Query | undefined
  /** False to read nothing: who asks may not. */
  readonly when?: boolean | undefined
}

/** By what kinds of news an answer may be another one. */
function kindsOf(path: Reads): readonly Kind[] {
  if (path.startsWith('/api/parts')) return ['work', 'desk']
  if (path.startsWith('/api/questions')) return ['question']
  if (path.startsWith('/api/desk/operations')) return ['operation', 'desk']
  // The shape of data is that of the code.
  if (path === '/api/desk/{id}/form') return []
  // A line drains without an act of anybody.
  if (path.startsWith('/api/desk/{id}')) return ['desk', 'work']
  return path.startsWith('/api/desk') ? ['desk', 'operation', 'work'] : ['desk', 'operation']
}

/** Reads, and reads again at news. */
export function useRead<Path extends Reads>({
  path,
  params,
  query,
  when = true,
}: Read<Path>): ReadonlySignal<Loaded<AnswerOf<Path>>> {
  const key = JSON.stringify([path, params, query])
  const loaded = useMemo(
    () => signal<Loaded<AnswerOf<Path>>>({ value: answers.get(key) as AnswerOf<Path> | undefined, problem: undefined }),
    [key],
  )
  useEffect(() => {
    if (!when) return
    let over = false
    let reading = false
    const kinds = kindsOf(path)
    const look = async () => {
      if (reading) return
      reading = true
      try {
        const value = await read(path, params, query)
        heard()
        if (over) return
        keep(key, value)
        loaded.value = { value, problem: undefined }
      } catch (error) {
        const problem = error instanceof Problem ? error : new Problem(500, { detail: String(error) })
        if (problem.away) lost()
        if (problem.status === 401) ended()
        if (!over) loaded.value = { value: loaded.peek().value, problem }
      } finally {
        reading = false
      }
    }
    const stop = effect(() => {
      for (const kind of kinds) news[kind].value
      void look()
    })
    return () => {
      over = true
      stop()
    }
  }, [key, when])
  return loaded
}
