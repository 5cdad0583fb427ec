// The desk: groups of held messages in words; and all that is discarded, or under way.

import type { DeskState } from '../../model/desk.ts'
import { useRead } from '../data.ts'
import { Head } from '../parts/head.tsx'
import { Empty, Full, Shown } from '../parts/states.tsx'
import { Ago } from '../parts/when.tsx'
import { groupText } from '../pure/cards.ts'
import { addressOf } from '../pure/routes.ts'
import { visible } from '../pure/words.ts'
import { href, query } from '../router.ts'
import { Messages } from './messages.tsx'

const views: readonly { readonly state: DeskState | undefined; readonly word: string }[] = [
  { state: undefined, word: 'Held' },
  { state: 'trying', word: 'Being tried' },
  { state: 'line', word: 'In line' },
  { state: 'discarded', word: 'Discarded' },
  { state: 'handled', word: 'Repaired' },
]

export function Desk() {
  const part = query.value.get('part') ?? undefined
  const state = views.find(({ state }) => state === query.value.get('state'))?.state
  return (
    <>
      <header class="head">
        <div>
          <h1>Desk</h1>
          <p class="lead">
            What could not be handled waits here for a person, and so does all that must come after it. Nothing is lost,
            and nothing overtakes.
          </p>
        </div>
      </header>
      <div class="chips">
        {views.map((view) => (
          <a
            key={view.word}
            href={href(addressOf('/desk', { state: view.state, part }))}
            aria-current={view.state === state ? 'true' : undefined}
          >
            {view.word}
          </a>
        ))}
        {part !== undefined && (
          <a href={href(addressOf('/desk', { state }))} aria-current="true">
            only {visible(part)} <span aria-hidden="true">×</span>
            <span class="quietly">clear the filter</span>
          </a>
        )}
      </div>
      {state === undefined ? (
        <Groups part={part} />
      ) : (
        <Messages key={`${state} ${part}`} filter={{ states: [state], processor: part }}>
          <Empty>
            <p>Nothing here{part === undefined ? '' : ` of ${visible(part)}`}.</p>
            {part !== undefined && <a href={href(addressOf('/desk', { state }))}>Clear the filter</a>}
          </Empty>
        </Messages>
      )}
    </>
  )
}

const groupsMax = 200

function Groups({ part }: { readonly part: string | undefined }) {
  const groups = useRead({ path: '/api/desk/groups', query: { processor: part, limit: groupsMax } })
  return (
    <Shown of={groups} what="The groups">
      {(rows) => {
        if (rows.length === 0) {
          return (
            <Empty good>
              <p>
                <strong>Nothing is held{part === undefined ? '' : ` in ${visible(part)}`}.</strong> A message that fails
                too often, or is refused, would be here.
              </p>
              {part !== undefined && <a href={href('/desk')}>Clear the filter</a>}
            </Empty>
          )
        }
        return (
          <div class="scroll">
            <table>
              <Head
                of={[
                  'What is wrong',
                  ['Held', 'number'],
                  'Processor',
                  ['Type', 'late'],
                  ['First', 'late'],
                  ['Last', 'late'],
                ]}
              />
              <tbody>
                {rows.map(({ id, error, held, processor, type, firstAt, lastAt, snooze, note }) => (
                  <tr key={id ?? `${processor} ${type} ${error}`}>
                    <th scope="row">
                      <a class="row" href={href(id === null ? '/desk' : `/desk/g/${id}`)}>
                        {visible(groupText(error))}
                      </a>
                      {snooze !== null && <div class="muted">Kept quiet by {visible(snooze.by)}.</div>}
                      {note !== null && (
                        <div class="muted">
                          {visible(note.by)}: {visible(note.text)}
                        </div>
                      )}
                    </th>
                    <td class="number held">{held.toLocaleString('en')}</td>
                    <td>{visible(processor ?? '')}</td>
                    <td class="late">{visible(type ?? '')}</td>
                    <td class="late">
                      <Ago at={firstAt} />
                    </td>
                    <td class="late">
                      <Ago at={lastAt} />
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
            {rows.length === groupsMax && <Full shown={rows.length} />}
          </div>
        )
      }}
    </Shown>
  )
}
