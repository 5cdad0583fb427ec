// The dashboard: one page that shows what the API of the app tells, and does what the API can.
import './style/main.css'
import { render } from 'preact'
import { useEffect } from 'preact/hooks'
import { listen } from './live.ts'
import { Audit } from './pages/audit.tsx'
import { Correct } from './pages/correct.tsx'
import { Desk } from './pages/desk.tsx'
import { Group } from './pages/group.tsx'
import { Home } from './pages/home.tsx'
import { Item } from './pages/item.tsx'
import { OperationPage, Operations } from './pages/operations.tsx'
import { SignIn } from './pages/sign-in.tsx'
import { Frame } from './parts/frame.tsx'
import { listenToKeys } from './parts/keys.ts'
import { Gone, Loading } from './parts/states.tsx'
import { followLinks, place } from './router.ts'
import { begin, lookAgain, session } from './session.ts'

function Page() {
  const at = place.value
  switch (at.page) {
    case 'home':
      return <Home />
    case 'desk':
      return <Desk />
    case 'group':
      return <Group key={at.id} id={at.id} />
    case 'item':
      return <Item key={at.id} id={at.id} />
    case 'correct':
      return <Correct key={at.id} id={at.id} />
    case 'operations':
      return <Operations />
    case 'operation':
      return <OperationPage key={at.id} id={at.id} />
    case 'audit':
      return <Audit />
    default:
      return <Gone />
  }
}

function Dashboard() {
  const { value } = session
  if (value.is === 'in') {
    return (
      <Frame>
        <Page />
      </Frame>
    )
  }
  if (value.is === 'out') return <SignIn why={value.why} />
  return (
    <main class="alone" id="main">
      {value.is === 'asking' ? <Loading what="the dashboard" /> : <Away />}
    </main>
  )
}

/** Before the first answer: asks again until the server is there. */
function Away() {
  useEffect(() => {
    const timer = setInterval(() => void lookAgain(), 2_000)
    return () => clearInterval(timer)
  }, [])
  return <p role="status">The server cannot be reached. The page tries again by itself.</p>
}

followLinks()
listenToKeys()
render(<Dashboard />, document.getElementById('page')!)
await begin()
listen()
