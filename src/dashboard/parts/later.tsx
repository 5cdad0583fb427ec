// A page whose code is loaded when it is first shown.
import type { ComponentType } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { reached } from '../live.ts'
import { Icon } from './icon.tsx'
import { Loading } from './states.tsx'

/**
 * @param what as in "the map"
 * @param load imports the component
 */
export function later<Props extends object>(
  what: string,
  load: () => Promise<ComponentType<Props>>,
): ComponentType<Props> {
  let loading: Promise<ComponentType<Props>> | undefined
  return function Later(props: Props) {
    const [Page, setPage] = useState<ComponentType<Props> | undefined>()
    const [failed, setFailed] = useState(false)
    const isReached = reached.value.is
    useEffect(() => {
      loading ??= load()
      loading.then(
        (loaded) => setPage(() => loaded),
        () => {
          loading = undefined
          setFailed(true)
        },
      )
    }, [isReached])
    if (Page !== undefined) return <Page {...props} />
    return failed ? <NotLoaded what={what} /> : <Loading what={what} />
  }
}

/** A server that was replaced by a new version has other files: they come with the whole page. */
function NotLoaded({ what }: { readonly what: string }) {
  return (
    <div class="state failing" role="alert">
      <Icon name="failing" />
      <div>
        <p>
          <strong>The page of {what} cannot be loaded.</strong> The server is away, or has a new version.
        </p>
        <button type="button" onClick={() => location.reload()}>
          Load it again
        </button>
      </div>
    </div>
  )
}
