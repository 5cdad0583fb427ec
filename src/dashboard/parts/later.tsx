// A page whose code is loaded when it is first shown.
import type { ComponentType } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { Problem } from '../client.ts'
import { Failed, Loading } from './states.tsx'

/** @param load imports the component */
export function later<Props extends object>(
  what: string,
  load: () => Promise<ComponentType<Props>>,
): ComponentType<Props> {
  let loading: Promise<ComponentType<Props>> | undefined
  return function Later(props: Props) {
    const [Page, setPage] = useState<ComponentType<Props> | undefined>()
    const [problem, setProblem] = useState<Problem | undefined>()
    useEffect(() => {
      loading ??= load()
      loading.then(
        (loaded) => setPage(() => loaded),
        () => {
          // A new version of the server has other files; the next try asks again.
          loading = undefined
          setProblem(new Problem(0, { detail: `${what} cannot be loaded` }))
        },
      )
    }, [])
    if (Page !== undefined) return <Page {...props} />
    return problem === undefined ? <Loading what={what} /> : <Failed problem={problem} what={what} />
  }
}
