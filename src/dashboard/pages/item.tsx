// One message at the desk: the error, what can be done, its data, all that happened to it on one line of time, and the line
// behind it.
import { useSignal } from '@preact/signals'
import type { DeskItem } from '../../model/desk-views.ts'
import { Problem } from '../client.ts'
import { useRead } from '../data.ts'
import { changed, now } from '../live.ts'
import { Act, type Doing, Refusal } from '../parts/act.tsx'
import { Badge } from '../parts/badge.tsx'
import { HelpText } from '../parts/help.tsx'
import { HoldsUp } from '../parts/holds-up.tsx'
import { Icon } from '../parts/icon.tsx'
import { claim, discarding, noting, releasing, takingBack, unclaim } from '../parts/item-acts.ts'
import { LongText, Stack } from '../parts/long-text.tsx'
import { MakeTest } from '../parts/make-test.tsx'
import { More, type PageAt, Pages } from '../parts/pages.tsx'
import { Shown } from '../parts/states.tsx'
import { TryIt } from '../parts/try.tsx'
import { clock, Since, When } from '../parts/when.tsx'
import { laidOut } from '../pure/json.ts'
import { type Happened, timeOf } from '../pure/timeline.ts'
import { codeChanged, count, visible } from '../pure/words.ts'
import { href } from '../router.ts'
import { may, session } from '../session.ts'
import { LineTable } from './messages.tsx'

export function Item({ id }: { readonly id: number }) {
  const item = useRead({ path: '/api/desk/{id}', params: { id } })
  return (
    <Shown of={item} what="This message">
      {(shown) => <ItemPage item={shown} />}
    </Shown>
  )
}

function ItemPage({ item }: { readonly item: DeskItem }) {
  const { id, message, processor, state, error, heldAt, resolvedAt, waiting, behind, original } = item
  return (
    <>
      <header class="head">
        <div>
          <p class="crumbs">
            <a href={href('/desk')}>Desk</a> / {visible(processor)} / #{id}
          </p>
          <h1>
            {visible(message.type)} {visible(message.context ?? '')}
          </h1>
          <p>
            <Badge state={state} /> {resolvedAt === null ? <Since at={heldAt} /> : <When at={resolvedAt} />}
            {waiting > 0 && <>, with {count(waiting, 'message')} in line behind it</>}
            {behind !== null && (
              <>
                {' '}
                behind <a href={href(`/desk/${behind}`)}>#{behind}</a>
              </>
            )}
          </p>
        </div>
        <Buttons item={item} />
      </header>
      {resolvedAt !== null && (
        <p>
          Nothing is left to do here. <a href={href('/desk')}>See what else is held</a>
        </p>
      )}
      {error !== null && (
        <div class={`state ${state === 'held' ? 'failing' : ''}`}>
          <Icon name={state === 'held' ? 'failing' : 'quiet'} />
          <div>
            <p>
              <strong>{visible(error.message)}</strong>
            </p>
            <p class="muted">
              {visible(processor)}{' '}
              {error.code === 'refused'
                ? 'refused it'
                : `failed ${count(item.tries.length, 'time')} (${visible(error.code)})`}
              .{resolvedAt !== null && ' That was before.'}
            </p>
            {codeChanged(item) !== undefined && <p>{visible(codeChanged(item)!)}</p>}
            <HelpText help={item.help} owner={item.owner} />
            <Stack of={error} />
          </div>
        </div>
      )}
      <TryIt item={item} changes={[]} />
      <div class="two">
        <div>
          <section aria-labelledby="data">
            <h2 id="data">Data</h2>
            <LongText text={laidOut(message.json)} />
            {original !== null && (
              <details>
                <summary>As it was published</summary>
                <LongText text={laidOut(original)} />
              </details>
            )}
          </section>
          <HoldsUp item={item} />
          <Line item={item} />
        </div>
        <div>
          <section aria-labelledby="time">
            <h2 id="time">What happened</h2>
            <ol class="time">
              {timeOf(item).map((one, at) => (
                <Event key={`${one.at} ${at}`} one={one} />
              ))}
            </ol>
          </section>
          <Facts item={item} />
          <MakeTest item={item} />
        </div>
      </div>
    </>
  )
}

function Buttons({ item }: { readonly item: DeskItem }) {
  const doing = useSignal<Doing | undefined>(undefined)
  const problem = useSignal<Problem | undefined>(undefined)
  if (!may('repair')) return <p class="muted">You may look, but not repair.</p>
  const { state, id } = item
  const me = session.value.is === 'in' ? session.value.me.name : ''
  const claimed = item.claim !== null && item.claim.until > now.value ? item.claim : null
  const open = (made: (item: DeskItem) => Doing) => () => (doing.value = made(item))
  const direct = (done: (item: DeskItem) => Promise<unknown>) => async () => {
    try {
      problem.value = undefined
      await done(item)
    } catch (error) {
      problem.value = error instanceof Problem ? error : undefined
    }
    changed()
  }
  return (
    <div>
      <div class="buttons">
        {(state === 'held' || state === 'line') && (
          <a class="button main" data-key="e" href={href(`/desk/${id}/correct`)}>
            Correct and resubmit
          </a>
        )}
        {state === 'held' && (
          <button type="button" data-key="r" onClick={open(releasing)}>
            Release
          </button>
        )}
        {state === 'discarded' && (
          <button type="button" class="main" onClick={open(takingBack)}>
            Take back
          </button>
        )}
        {(state === 'held' || state === 'line') &&
          (claimed?.by === me ? (
            <button type="button" onClick={direct(unclaim)}>
              Leave it to others
            </button>
          ) : (
            <button type="button" onClick={direct(claim)} title="Others see that you work on it, for 30 minutes.">
              I'm on it
            </button>
          ))}
        <button type="button" data-key="n" onClick={open(noting)}>
          Note
        </button>
        {(state === 'held' || state === 'line') && (
          <button type="button" class="danger" data-key="d" onClick={open(discarding)}>
            Discard…
          </button>
        )}
      </div>
      {claimed !== null && (
        <p class="muted" role="status">
          {claimed.by === me ? 'You work on it' : `${visible(claimed.by)} works on it`} until {clock(claimed.until)}.
        </p>
      )}
      {problem.value !== undefined && <Refusal problem={problem.value} />}
      {doing.value !== undefined && <Act doing={doing.value} close={() => (doing.value = undefined)} />}
    </div>
  )
}

function Event({ one: { at, icon, title, text } }: { readonly one: Happened }) {
  return (
    <li>
      <Icon name={icon} />
      <div>
        <div>
          {visible(title)} <span class="muted">{clock(at)}</span>
        </div>
        {text !== '' && <div class="muted">{visible(text)}</div>}
      </div>
    </li>
  )
}

function Facts({ item: { id, message, cause, lane, pending, revision, corrections } }: { readonly item: DeskItem }) {
  const facts: readonly (readonly [string, string])[] = [
    ['Message', message.id],
    ['Type', `${message.type}, version ${message.version}`],
    ['Line', lane ?? 'none: nothing waits behind it'],
    ['Caused by', cause === null ? 'not known' : `${cause.type} in ${cause.destination}`],
    ['Number here', `#${id}, revision ${revision}`],
    ...(corrections > 0 ? [['Corrected', count(corrections, 'time')] as const] : []),
    ...(pending === null ? [] : [['Asked for', `${pending.action.do}, by ${pending.by}`] as const]),
  ]
  return (
    <section aria-labelledby="facts">
      <h2 id="facts">Facts</h2>
      <dl class="facts">
        {facts.map(([name, value]) => (
          <>
            <dt>{name}</dt>
            <dd class="mono">{visible(String(value))}</dd>
          </>
        ))}
      </dl>
    </section>
  )
}

function Line({ item }: { readonly item: DeskItem }) {
  if (item.lane === null || item.resolvedAt !== null) return null
  return (
    <section aria-labelledby="line">
      <h2 id="line">In line behind it</h2>
      <Pages<number>>{(page) => <LinePage id={item.id} page={page} />}</Pages>
    </section>
  )
}

const limit = 50

function LinePage({ id, page }: { readonly id: number; readonly page: PageAt<number> }) {
  const line = useRead({ path: '/api/desk/{id}/line', params: { id }, query: { after: page.after, limit } })
  return (
    <Shown of={line} what="The line">
      {({ items, next }) =>
        items.length === 0 ? (
          <p class="muted">{page.at === 0 ? 'Nothing waits behind it.' : 'That is the end of the line.'}</p>
        ) : (
          <>
            <LineTable rows={items} from={page.at * limit} />
            <More
              page={page}
              next={items.length < limit ? null : (next as number | null)}
              each={limit}
              word="Show more of the line"
            />
          </>
        )
      }
    </Shown>
  )
}
