import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempDisposableSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { fileURLToPath } from 'node:url'

const readme = readFileSync(new URL('./README.md', import.meta.url), 'utf8')
const requests = [...readme.matchAll(/^curl (?:.*\\\n)*.*$/gm)].map(([command]) => command)
const main = fileURLToPath(new URL('./main.ts', import.meta.url))

for (const name of ['express', 'hono']) {
  test(`commands of the README print its answers, with ${name}; SIGTERM ends the program with 143`, async (t) => {
    const folder = mkdtempDisposableSync(join(tmpdir(), 'hybrid-'))
    t.after(() => folder.remove())
    const program = spawn(process.execPath, ['--conditions=millrace-source', main, name, '0'], {
      cwd: folder.path,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    t.after(() => program.kill('SIGKILL'))
    const [said] = (await once(program.stdout!.setEncoding('utf8'), 'data')) as [string]
    const [, host] = /^listening at http:\/\/(127\.0\.0\.1:\d+)$/m.exec(said)!
    const ask = (command: string) => {
      const script = command.replaceAll('localhost:3000', host!)
      const { status, stdout, stderr } = spawnSync('sh', ['-ec', script], { encoding: 'utf8' })
      assert.equal(status, 0, stderr)
      return JSON.parse(stdout)
    }
    const [placed, look, waiting, sold] = requests
    assert.equal(requests.length, 4)
    assert.equal(ask(placed!).state, 'placed')
    assert.match(ask(look!).state, /^(placed|paid)$/)
    assert.equal(ask(waiting!).state, 'declined')
    assert.equal(ask(sold!).accepted.length, 1)
    program.kill('SIGTERM')
    assert.deepEqual(await once(program, 'exit'), [143, null])
  })
}
