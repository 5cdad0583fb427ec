// Who may come in: tokens of people and programs, requests that were refused, and what each role permits.
import { useSignal } from '@preact/signals'
import type { Permission } from '../../model/permissions.ts'
import { permissions, roles } from '../../model/roles.ts'
import type { MadeToken, TokenItem } from '../../operate/tokens.ts'
import { useRead } from '../data.ts'
import { now } from '../live.ts'
import { Act, type Doing } from '../parts/act.tsx'
import { Head } from '../parts/head.tsx'
import { Icon } from '../parts/icon.tsx'
import { Empty, Shown } from '../parts/states.tsx'
import { SystemTabs } from '../parts/system-tabs.tsx'
import { making, revoking } from '../parts/token-acts.tsx'
import { Ago, clock, When } from '../parts/when.tsx'
import { visible } from '../pure/words.ts'
import { href } from '../router.ts'
import { may } from '../session.ts'

export function Access() {
  return (
    <>
      <header class="head">
        <div>
          <h1>Access</h1>
          <p class="lead">
            Who may come in over HTTP, and who was not let in. People of a sign-in service, and tokens that the code
            names, are not in the list.
          </p>
        </div>
      </header>
      <SystemTabs at="access" />
      <section aria-labelledby="tokens">
        <h2 id="tokens">Tokens</h2>
        {may('settings') ? (
          <Tokens />
        ) : (
          <div class="state">
            <Icon name="lock" />
            <p>The tokens are for those to see who may change settings: the role admin.</p>
          </div>
        )}
      </section>
      <section aria-labelledby="refusals">
        <h2 id="refusals">Refused requests</h2>
        <Refusals />
      </section>
      <section aria-labelledby="roles">
        <h2 id="roles">Who may what</h2>
        <Roles />
      </section>
    </>
  )
}

function Tokens() {
  const tokens = useRead({ path: '/api/tokens' })
  const doing = useSignal<Doing | undefined>(undefined)
  const made = useSignal<MadeToken | undefined>(undefined)
  return (
    <>
      <p class="buttons">
        <button type="button" onClick={() => (doing.value = making((token) => (made.value = token)))}>
          Make a token…
        </button>
      </p>
      {made.value !== undefined && <Made made={made.value} close={() => (made.value = undefined)} />}
      <Shown of={tokens} what="The tokens">
        {(rows) =>
          rows.length === 0 ? (
            <Empty>
              <p>Nobody has a token but the owner of the file.</p>
            </Empty>
          ) : (
            <div class="scroll">
              <table>
                <Head of={['Name', 'Allows', ['Made', 'late'], 'Until', 'End it']} />
                <tbody>
                  {rows.map((row) => (
                    <Token key={row.name} row={row} revoke={() => (doing.value = revoking(row.name))} />
                  ))}
                </tbody>
              </table>
            </div>
          )
        }
      </Shown>
      {doing.value !== undefined && <Act doing={doing.value} close={() => (doing.value = undefined)} />}
    </>
  )
}

interface TokenProps {
  readonly row: TokenItem
  readonly revoke: () => void
}

function Token({ row: { name, grants, createdAt, by, expiresAt }, revoke }: TokenProps) {
  return (
    <tr>
      <th scope="row">{visible(name)}</th>
      <td>
        {grants.map(({ role, on }) => (
          <div key={`${role} ${on}`}>
            {role}
            {on !== undefined && <span class="muted"> for {visible(on.join(', '))}</span>}
          </div>
        ))}
      </td>
      <td class="late">
        <Ago at={createdAt} /> by {visible(by)}
      </td>
      <td>
        {expiresAt === null ? (
          'it is revoked'
        ) : expiresAt <= now.value ? (
          <span class="slow">over since {clock(expiresAt)}</span>
        ) : (
          clock(expiresAt)
        )}
      </td>
      <td>
        <button type="button" class="danger" aria-label={`Revoke the token of ${visible(name)}`} onClick={revoke}>
          Revoke…
        </button>
      </td>
    </tr>
  )
}

function Made({ made: { name, token }, close }: { readonly made: MadeToken; readonly close: () => void }) {
  return (
    <div class="state good" role="status">
      <Icon name="ok" />
      <div>
        <p>
          <strong>The token of {visible(name)} is shown this once.</strong> Only its hash is kept: copy it now.
        </p>
        <div class="command">
          <code>{token}</code>
          <button type="button" onClick={() => void navigator.clipboard?.writeText(token)}>
            Copy
          </button>
        </div>
        <button type="button" onClick={close}>
          I have it
        </button>
      </div>
    </div>
  )
}

const refusalsShown = 20

function Refusals() {
  const read = useRead({ path: '/api/audit', query: { refused: true, limit: refusalsShown } })
  return (
    <Shown of={read} what="The refused requests">
      {({ items }) =>
        items.length === 0 ? (
          <Empty good>
            <p>
              <strong>Nobody was refused.</strong> Requests without a right, or with a wrong token, would be here.
            </p>
          </Empty>
        ) : (
          <>
            <div class="scroll">
              <table>
                <Head of={['Who', 'What', 'When', ['Why', 'late']]} />
                <tbody>
                  {items.map(({ id, by, subject, at, reason }) => (
                    <tr key={id}>
                      <th scope="row">{visible(by)}</th>
                      <td class="mono">{visible(subject)}</td>
                      <td>
                        <When at={at} />
                      </td>
                      <td class="late">{visible(reason ?? '')}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
            {items.length === refusalsShown && (
              <p class="more">
                The newest {refusalsShown}. <a href={href('/system/audit?refused=yes')}>All of them</a>
              </p>
            )}
          </>
        )
      }
    </Shown>
  )
}

const permits: Readonly<Record<Permission, string>> = {
  see: 'see states and counts',
  'see-data': 'see data of messages, without secrets',
  'see-secret': 'see secret fields too',
  send: 'publish events and send commands',
  answer: 'answer questions of flows',
  repair: 'repair one message at the desk',
  'repair-many': 'repair many at once',
  run: 'pause, set and reset processors, act on flows',
  settings: 'make and revoke tokens',
}

function Roles() {
  const names = Object.keys(roles) as (keyof typeof roles)[]
  const has = (role: keyof typeof roles, one: Permission) => (roles[role] as readonly Permission[]).includes(one)
  return (
    <div class="scroll">
      <table>
        <Head of={['May', ...names]} />
        <tbody>
          {permissions.map((one) => (
            <tr key={one}>
              <th scope="row">{permits[one]}</th>
              {names.map((role) => (
                <td key={role} class={has(role, one) ? 'ok' : 'muted'}>
                  {has(role, one) ? 'yes' : '–'}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
