// What is wrong now, what waits longest first; one calm line when all is well.
import { useRead } from '../data.ts'
import { Badge } from '../parts/badge.tsx'
import { Empty, Shown } from '../parts/states.tsx'
import { Ago } from '../parts/when.tsx'
import { type Card, groupCards, operationCards, partCards, questionCards } from '../pure/cards.ts'
import { count, visible } from '../pure/words.ts'
import { href } from '../router.ts'
import { may } from '../session.ts'

export function Home() {
  const parts = useRead({ path: '/api/parts' })
  const counts = useRead({ path: '/api/desk/counts' })
  const operations = useRead({ path: '/api/desk/operations', query: { limit: 200 } })
  const groups = useRead({ path: '/api/desk/groups', query: { limit: 50 }, when: may('see-data') })
  const questions = useRead({ path: '/api/questions', when: may('see-data') })
  return (
    <>
      <header class="head">
        <h1>Home</h1>
      </header>
      <section aria-labelledby="wrong">
        <h2 id="wrong">Now</h2>
        <Shown of={parts} what="The processors">
          {(rows) => {
            const cards = [
              ...groupCards(groups.value.value ?? []),
              ...partCards(rows),
              ...questionCards(questions.value.value?.items ?? []),
              ...operationCards(operations.value.value?.items ?? []),
            ].sort((a, b) => a.since - b.since)
            if (cards.length > 0) return <Cards cards={cards} />
            return (
              <Empty good>
                <p>
                  <strong>All is well.</strong> Nothing is held, and {count(rows.length, 'processor')}{' '}
                  {rows.length === 1 ? 'does its' : 'do their'} work.
                </p>
              </Empty>
            )
          }}
        </Shown>
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
                <thead>
                  <tr>
                    <th scope="col">Name</th>
                    <th scope="col">State</th>
                    <th scope="col" class="number">
                      Held
                    </th>
                    <th scope="col" class="number">
                      To do
                    </th>
                    <th scope="col" class="number late">
                      Handled
                    </th>
                    <th scope="col" class="number late">
                      Failed attempts
                    </th>
                    <th scope="col" class="late">
                      Reads
                    </th>
                  </tr>
                </thead>
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
            <Ago at={since} />
          </a>
        </li>
      ))}
    </ul>
  )
}
