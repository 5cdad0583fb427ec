// What a page shows of the server: read when it is first shown, and again when there is news. What was read stays in sight
// while it is read again, and when the server is away.
import { effect, type ReadonlySignal, signal } from '@preact/signals'
import { useEffect, useMemo } from 'preact/hooks'
import { type AnswerOf, type Params, type Problem, problemOf, type Query, type Reads, read } from './client.ts'
import { changed, heard, type Kind, lost, news } from './live.ts'
import { ended } from './session.ts'

export interface Loaded<Value> {
  readonly value: Value | undefined
  /** When the value was read, milliseconds since 1970. */
  readonly at: number
  /** Why the last look failed; undefined where it did not. */
  readonly problem: Problem | undefined
  /** Looks again. */
  readonly again: () => void
}

/** The newest answers, so that a page that is shown again is there at once. */
const answers = new Map<string, Pick<Loaded<unknown>, 'value' | 'at'>>()
const answersMax = 50
/** A look that has failed for the moment is made again after so long, milliseconds. */
const againMs = 5_000

function keep(key: string, answer: Pick<Loaded<unknown>, 'value' | 'at'>): void {
  answers.delete(key)
  if (answers.size >= answersMax) answers.delete(answers.keys().next().value!)
  answers.set(key, answer)
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
  if (path.startsWith('/api/parts') || path === '/api/endpoints') return ['work', 'desk']
  if (path === '/api/series' || path === '/api/settings') return ['time']
  if (path.startsWith('/api/questions')) return ['question']
  if (path.startsWith('/api/desk/operations')) return ['operation', 'desk']
  // The shape of data is that of the code.
  if (path.endsWith('/form')) return []
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
  const loaded = useMemo(() => {
    const { value, at = 0 } = answers.get(key) ?? {}
    const known = value as AnswerOf<Path> | undefined
    return signal<Loaded<AnswerOf<Path>>>({ value: known, at, problem: undefined, again: () => changed() })
  }, [key])
  useEffect(() => {
    if (!when) return
    let over = false
    let reading = false
    let anew = false
    let timer: ReturnType<typeof setTimeout> | undefined
    const kinds = kindsOf(path)
    const look = async () => {
      if (over) return
      // News that comes while it is read may not be in the answer.
      if (reading) {
        anew = true
        return
      }
      reading = true
      anew = false
      clearTimeout(timer)
      try {
        const value = await read(path, params, query)
        heard()
        if (over) return
        const answer = { value, at: Date.now() }
        keep(key, answer)
        loaded.value = { ...answer, problem: undefined, again }
      } catch (error) {
        const problem = problemOf(error)
        if (problem.away) lost()
        if (problem.status === 401) ended()
        if (over) return
        loaded.value = { ...loaded.peek(), problem, again }
        if (problem.passing) timer = setTimeout(again, againMs)
      } finally {
        reading = false
        if (anew) void look()
      }
    }
    const again = () => void look()
    const stop = effect(() => {
      for (const kind of kinds) news[kind].value
      void look()
    })
    return () => {
      over = true
      clearTimeout(timer)
      stop()
    }
  }, [key, when])
  return loaded
}
