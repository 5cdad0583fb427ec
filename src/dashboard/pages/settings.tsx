// What the app is set to, and what it stands on: its options with their defaults, versions, disk.
import type { DiskRoom } from '../../operate/settings.ts'
import { useRead } from '../data.ts'
import { Head } from '../parts/head.tsx'
import { Shown } from '../parts/states.tsx'
import { SystemTabs } from '../parts/system-tabs.tsx'
import { bytesText, optionText } from '../pure/settings.ts'
import { visible } from '../pure/words.ts'

export function Settings() {
  const settings = useRead({ path: '/api/settings' })
  return (
    <>
      <header class="head">
        <div>
          <h1>Settings</h1>
          <p class="lead">What the code of the app says; another value needs another start.</p>
        </div>
      </header>
      <SystemTabs at="settings" />
      <Shown of={settings} what="The settings">
        {({ app, version, millrace, node, options, disk }) => (
          <>
            <div class="two">
              <section aria-labelledby="versions">
                <h2 id="versions">Versions</h2>
                <dl class="facts">
                  <dt>App</dt>
                  <dd>
                    {visible(app)}, {version === null ? 'says no version' : visible(version)}
                  </dd>
                  <dt>Millrace</dt>
                  <dd>{millrace}</dd>
                  <dt>Node.js</dt>
                  <dd>{node}</dd>
                </dl>
              </section>
              <section aria-labelledby="disk">
                <h2 id="disk">Disk</h2>
                {disk === null ? <p class="muted">It keeps its messages in no file.</p> : <Disk of={disk} />}
              </section>
            </div>
            <section aria-labelledby="options">
              <h2 id="options">Options</h2>
              <div class="scroll">
                <table>
                  <Head of={['Option', ['Value', 'number'], ['Default', 'number'], ['What it is', 'late']]} />
                  <tbody>
                    {options.map((one) => (
                      <tr key={one.name}>
                        <th scope="row" class="mono">
                          {one.name}
                        </th>
                        <td class="number">
                          {one.value === one.default ? (
                            optionText(one.name, one.value)
                          ) : (
                            <strong>{optionText(one.name, one.value)}</strong>
                          )}
                        </td>
                        <td class="number muted">{optionText(one.name, one.default)}</td>
                        <td class="late">{visible(one.what)}</td>
                      </tr>
                    ))}
                  </tbody>
                </table>
              </div>
            </section>
          </>
        )}
      </Shown>
    </>
  )
}

function Disk({ of: { file, bytes, walBytes, freeBytes } }: { readonly of: DiskRoom }) {
  return (
    <dl class="facts">
      <dt>File</dt>
      <dd class="mono">{visible(file)}</dd>
      <dt>Size</dt>
      <dd>
        {bytesText(bytes)}, and {bytesText(walBytes)} not in it yet
      </dd>
      <dt>Free</dt>
      <dd>{bytesText(freeBytes)}</dd>
    </dl>
  )
}
