// What is wrong now, what waits longest first; one calm line when all is well.
import { Problem } from '../client.ts'
import { useRead } from '../data.ts'
import { Badge } from '../parts/badge.tsx'
import { Head } from '../parts/head.tsx'
import { Empty, Forbidden, Loading, Shown, Trouble } from '../parts/states.tsx'
import { Ago } from '../parts/when.tsx'
import { type Card, groupCards, operationCards, partCards, questionCards } from '../pure/cards.ts'
import { count, visible } from '../pure/words.ts'
import { href } from '../router.ts'
import { may } from '../session.ts'

const groupsMax = 50

export function Home() {
  const maySee = may('see')
  const parts = useRead({ path: '/api/parts', when: maySee })
  const counts = useRead({ path: '/api/desk/counts', when: maySee })
  const operations = useRead({ path: '/api/desk/operations', query: { limit: 200 }, when: maySee })
  const groups = useRead({ path: '/api/desk/groups', query: { limit: groupsMax }, when: may('see-data') })
  const questions = useRead({ path: '/api/questions', when: may('see-data') })
  if (!maySee) return <Forbidden what="Home" problem={new Problem(403, { data: { permission: 'see' } })} />
  const looks = [
    [parts, 'The processors', true],
    [groups, 'The groups of held messages', may('see-data')],
    [questions, 'The questions', may('see-data')],
    [operations, 'The operations', true],
  ] as const
  const asked = looks.filter(([, , when]) => when)
  const cards = [
    ...groupCards(groups.value.value ?? []),
    ...partCards(parts.value.value ?? []),
    ...questionCards(questions.value.value?.items ?? []),
    ...operationCards(operations.value.value?.items ?? []),
  ].sort((a, b) => (a.since ?? 0) - (b.since ?? 0))
  const isWaiting = asked.some(([{ value }]) => value.value === undefined && value.problem === undefined)
  const isKnown = asked.every(([{ value }]) => value.value !== undefined && value.problem === undefined)
  // That the server is away, or that the person may not see this, is said once.
  const kinds = asked.map(([{ value }, what]) => {
    const { problem } = value
    return problem?.away ? 'away' : problem?.status === 403 ? 'not allowed' : what
  })
  const troubles = asked.filter((_, at) => kinds.indexOf(kinds[at]!) === at)
  return (
    <>
      <header class="head">
        <h1>Home</h1>
      </header>
      <section aria-labelledby="wrong">
        <h2 id="wrong">Now</h2>
        {troubles.map(([of, what]) => (
          <Trouble key={what} of={of} what={what} />
        ))}
        {cards.length > 0 ? <Cards cards={cards} /> : isWaiting && <Loading what="what is wrong now" />}
        {groups.value.value?.length === groupsMax && (
          <p class="more">
            The {groupsMax} largest groups are here. <a href={href('/desk')}>All of them are at the desk</a>
          </p>
        )}
        {cards.length === 0 && isKnown && <Well processors={parts.value.value!.length} />}
      </section>
      <section aria-labelledby="numbers">
        <h2 id="numbers">At the desk</h2>
        <Shown of={counts} what="The counts">
          {({ held, waiting, snoozed, discarded }) => (
            <dl class="numbers">
              <div>
                <dt>held, wait for a person</dt>
                <dd>{held.toLocaleString('en')}</dd>
              </div>
              <div>
                <dt>in line behind them</dt>
                <dd>{waiting.toLocaleString('en')}</dd>
              </div>
              <div>
                <dt>kept quiet</dt>
                <dd>{snoozed.toLocaleString('en')}</dd>
              </div>
              <div>
                <dt>discarded, kept for a while</dt>
                <dd>{discarded.toLocaleString('en')}</dd>
              </div>
            </dl>
          )}
        </Shown>
      </section>
      <section aria-labelledby="parts">
        <h2 id="parts">Processors</h2>
        <Shown of={parts} what="The processors">
          {(rows) => (
            <div class="scroll">
              <table>
                <Head
                  of={[
                    'Name',
                    'State',
                    ['Held', 'number'],
                    ['To do', 'number'],
                    ['Handled', 'number late'],
                    ['Failed attempts', 'number late'],
                    ['Reads', 'late'],
                  ]}
                />
                <tbody>
                  {rows.map(({ name, on, state, held, lag, counts }) => (
                    <tr key={`${name} ${on}`}>
                      <th scope="row">
                        {held > 0 ? (
                          <a class="row" href={href(`/desk?part=${encodeURIComponent(name)}`)}>
                            {visible(name)}
                          </a>
                        ) : (
                          visible(name)
                        )}
                      </th>
                      <td>
                        <Badge state={state} />
                      </td>
                      <td class="number">{held.toLocaleString('en')}</td>
                      <td class="number">{lag.toLocaleString('en')}</td>
                      <td class="number late">{counts?.handled.toLocaleString('en') ?? '–'}</td>
                      <td class="number late">{counts?.failed.toLocaleString('en') ?? '–'}</td>
                      <td class="late">{visible(on)}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          )}
        </Shown>
      </section>
    </>
  )
}

function Well({ processors }: { readonly processors: number }) {
  return (
    <Empty good>
      <p>
        <strong>All is well.</strong> Nothing is held, and {count(processors, 'processor')}{' '}
        {processors === 1 ? 'does its' : 'do their'} work.
      </p>
    </Empty>
  )
}

function Cards({ cards }: { readonly cards: readonly Card[] }) {
  return (
    <ul class="cards">
      {cards.map(({ key, to, state, title, text, since }) => (
        <li key={key}>
          <a href={href(to)}>
            <Badge state={state} />
            <span>
              <strong>{visible(title)}</strong>
              <small>{visible(text)}</small>
            </span>
            {since !== undefined && <Ago at={since} />}
          </a>
        </li>
      ))}
    </ul>
  )
}
