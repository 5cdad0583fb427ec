// What README.md says of the first minute, as a new user does it: from the packed package, in empty folders.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { after, before, type TestContext } from 'node:test'
import { env, pack, root, run, shell } from '../support/packed.ts'

let packed: ReturnType<typeof pack>
before(() => {
  packed = pack()
})
after(() => packed.remove())

const readme = readFileSync(join(root, 'README.md'), 'utf8')

/** The block of code after a text of the README. */
function blockAfter(text: string, language: string): string {
  const rest = readme.slice(readme.indexOf(text))
  return new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'm').exec(rest)![1]!
}

function emptyFolder(name: string): string {
  const folder = join(packed.folder, name)
  mkdirSync(folder)
  return folder
}

/** A command as it would be if the package were in the registry. */
const fromTarball = (command: string) =>
  command
    .replace(/^(npm install.*) millrace\b/m, `$1 ${packed.tarball}`)
    .replace(/^npx millrace/m, `npm exec --yes --package=${packed.tarball} -- millrace`)

test('the commands of the README lead from an empty folder to the first event', () => {
  const folder = emptyFolder('first')
  shell(folder, fromTarball(blockAfter('## Install', 'sh')))
  writeFileSync(join(folder, 'app.ts'), blockAfter('## The first event', 'ts'))
  assert.equal(run(folder, 'node', 'app.ts'), '2 flour sold\n')
  assert.equal(run(folder, 'node', 'app.ts'), '4 flour sold\n')
})

test('the app of init starts, is developed and tested by its scripts, and fits the types', async (t) => {
  const folder = emptyFolder('new')
  const [init = '', install = '', tests = ''] = blockAfter('## An app with a test', 'sh').trim().split('\n')
  shell(folder, fromTarball(init))
  const shop = join(folder, 'shop')
  // Instead of the version in package.json, which is in no registry yet.
  assert.equal(install, 'cd shop && npm install')
  run(shop, 'npm', 'install', packed.tarball)
  assert.match(shell(shop, tests), /pass 2\n/)
  await scriptsWork(t, shop)
  run(shop, 'npx', '--no-install', 'tsc')
})

test('in a folder of npm init, init leaves package.json, and its commands complete it', async (t) => {
  const folder = emptyFolder('existing')
  shell(folder, `npm init -y && npm install ${packed.tarball}`)
  const { wrote, left, next } = JSON.parse(shell(folder, 'npx --no-install millrace init --json'))
  assert.deepEqual([wrote.includes('package.json'), left, next.at(-1)], [false, ['package.json'], 'npm run dev'])
  shell(folder, next.slice(0, -1).join('\n'))
  assert.match(shell(folder, 'npm test'), /pass 2\n/)
  await scriptsWork(t, folder)
})

/** Publishes to the app while `npm start` runs it, then while `npm run dev` does. */
async function scriptsWork(t: TestContext, folder: string): Promise<void> {
  const publish = `npx --no-install millrace publish app.ts order.placed '{ "sku": "flour", "quantity": 2 }'`
  const start = script(t, folder, 'start')
  await start.says(/^ready$/m)
  shell(folder, publish)
  // Only the app: npm would pass on a signal that it gets, and a second one ends the app at once.
  process.kill(Number(/process (\d+)/.exec(start.said())![1]), 'SIGTERM')
  await start.ended
  assert.match(start.said(), /\nstopped\n$/)
  const dev = script(t, folder, 'dev')
  await dev.says(/^ready: app shop, /m)
  shell(folder, publish)
  await dev.says(/^\d\d:\d\d:\d\d handled sales order\.placed flour$/m)
  dev.kill('SIGTERM')
  await dev.ended
}

/** A script of package.json, as npm runs it. */
function script(t: TestContext, cwd: string, name: string) {
  // In a group of its own, which is ended whole: npm does not wait for its script.
  const words = ['run', '--silent', name]
  const child = spawn('npm', words, { cwd, env, detached: true, stdio: ['ignore', 'pipe', 'inherit'] })
  let said = ''
  let look = () => {}
  // When all have ended that could say something.
  const ended = once(child, 'close')
  const kill = (signal: NodeJS.Signals) => {
    try {
      process.kill(-child.pid!, signal)
    } catch {
      // All have ended.
    }
  }
  t.after(async () => {
    kill('SIGKILL')
    await ended
  })
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text
    look()
  })
  return {
    says: (what: RegExp) =>
      new Promise<void>((resolve, reject) => {
        look = () => {
          if (what.test(said)) resolve()
        }
        look()
        ended.then(() => reject(new Error(`npm run ${name} ended and said\n${said}`)))
      }),
    said: () => said,
    kill,
    ended,
  }
}
