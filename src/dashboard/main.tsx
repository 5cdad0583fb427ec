// The dashboard: one page that shows what the API of the app tells, and does what the API can.
import { render } from 'preact'
import { useEffect } from 'preact/hooks'
import { listen } from './live.ts'
import { Audit } from './pages/audit.tsx'
import { Correct } from './pages/correct.tsx'
import { Desk } from './pages/desk.tsx'
import { Group } from './pages/group.tsx'
import { Home } from './pages/home.tsx'
import { Inbox } from './pages/inbox.tsx'
import { Item } from './pages/item.tsx'
import { OperationPage, Operations } from './pages/operations.tsx'
import { SignIn } from './pages/sign-in.tsx'
import { Frame } from './parts/frame.tsx'
import { listenToKeys } from './parts/keys.ts'
import { later } from './parts/later.tsx'
import { Gone, Loading } from './parts/states.tsx'
import { followLinks, place } from './router.ts'
import { begin, lookAgain, session } from './session.ts'

// Pages that are opened less often come when they are first opened.
const Answer = later('the question', async () => (await import('./pages/answer.tsx')).Answer)
const AccessPage = later('who has access', async () => (await import('./pages/access.tsx')).Access)
const Endpoints = later('the endpoints', async () => (await import('./pages/endpoints.tsx')).Endpoints)
const Flow = later('the flow', async () => (await import('./pages/flow.tsx')).Flow)
const Flows = later('the flows', async () => (await import('./pages/flows.tsx')).Flows)
const Found = later('the messages', async () => (await import('./pages/found.tsx')).Found)
const MapPage = later('the map', async () => (await import('./pages/map.tsx')).MapPage)
const Message = later('the message', async () => (await import('./pages/message.tsx')).Message)
const Receipt = later('the receipt', async () => (await import('./pages/receipt.tsx')).Receipt)
const Settings = later('the settings', async () => (await import('./pages/settings.tsx')).Settings)
const Story = later('the story', async () => (await import('./pages/story.tsx')).Story)
const System = later('the system', async () => (await import('./pages/system.tsx')).System)
const Part = later('the processor', async () => (await import('./pages/part.tsx')).Part)
const Schedules = later('the schedules', async () => (await import('./pages/schedules.tsx')).Schedules)
const Delayed = later('the delayed messages', async () => (await import('./pages/schedules.tsx')).Delayed)

function Page() {
  const at = place.value
  switch (at.page) {
    case 'home':
      return <Home />
    case 'inbox':
      return <Inbox />
    case 'question':
      return <Answer key={at.id} id={at.id} />
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
    case 'messages':
      return <Found />
    case 'message':
      return <Message key={at.id} id={at.id} />
    case 'receipt':
      return <Receipt key={at.id} id={at.id} />
    case 'story':
      return <Story key={at.id} id={at.id} />
    case 'flows':
      return <Flows />
    case 'flow':
      return <Flow key={at.id} id={at.id} />
    case 'map':
      return <MapPage />
    case 'system':
      return <System />
    case 'part':
      return <Part key={at.id} name={at.id} />
    case 'schedules':
      return <Schedules />
    case 'delayed':
      return <Delayed />
    case 'settings':
      return <Settings />
    case 'access':
      return <AccessPage />
    case 'endpoints':
      return <Endpoints />
    case 'audit':
      return <Audit />
    default:
      return <Gone what="This page" />
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
