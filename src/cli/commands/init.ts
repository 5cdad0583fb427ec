// A new app: files that are written where none are, and the commands that come next.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { commandLine } from '../../operate/command-line.ts'
import { type Call, takeWords } from '../call.ts'
import { UsageError } from '../output.ts'
import { safe, shellWord } from '../print.ts'

const scripts = { start: 'millrace start app.ts', dev: 'millrace dev app.ts', test: 'node --test' }

/** The files of the app. The others, which a project may have already, are left as they are. */
const ofApp = ['app.ts', 'app.test.ts']

/** Writes an app into a folder. It overwrites nothing: where a file of the app is there, it writes none. */
export async function init(call: Call): Promise<number> {
  const { out } = call
  if (call.appFile !== undefined) throw new UsageError(`init takes a folder, and "${call.appFile}" is an app file`)
  const [folder = '.'] = takeWords(call, ['FOLDER'], 0)
  const files = filesOf(basename(resolve(folder)))
  const isThere = (name: string) => existsSync(join(folder, name))
  const left = Object.keys(files).filter(isThere)
  const inTheWay = left.filter((name) => ofApp.includes(name)).map((name) => safe(join(folder, name)))
  if (inTheWay.length > 0) {
    const are = inTheWay.length > 1 ? 'are' : 'is'
    throw new UsageError(`${inTheWay.join(' and ')} ${are} there already, so nothing was written: name another folder`)
  }
  const next = commandsAfter(folder, left)
  mkdirSync(folder, { recursive: true })
  const wrote = Object.keys(files).filter((name) => !left.includes(name))
  for (const name of wrote) writeFileSync(join(folder, name), files[name]!, { flag: 'wx' })
  if (out.json) {
    out.object({ wrote, left, next })
    return 0
  }
  for (const name of wrote) out.line(`wrote  ${safe(join(folder, name))}`)
  for (const name of left) out.line(`left   ${safe(join(folder, name))}, as it was`)
  await out.lines(['', 'Next:', ...next.map((line) => safe(`  ${line}`)), ...then])
  return 0
}

/** What to do when the app runs. */
const then = [
  'Then, in another terminal in the same folder:',
  `  ${commandLine(`publish app.ts order.placed '{ "sku": "flour", "quantity": 2 }'`)}`,
  '',
  'npm test runs the test, in which the power fails.',
]

function commandsAfter(folder: string, left: readonly string[]): string[] {
  const enter = resolve(folder) === process.cwd() ? [] : [`cd ${shellWord(folder)}`]
  if (!left.includes('package.json')) return [...enter, 'npm install', 'npm run dev']
  const { start, dev, test } = scripts
  return [
    ...enter,
    `npm pkg set type=module "scripts.start=${start}"`,
    `npm pkg set "scripts.dev=${dev}" "scripts.test=${test}"`,
    ...installs(readFileSync(join(folder, 'package.json'), 'utf8')),
    'npm run dev',
  ]
}

/** The commands that install what a project lacks. */
function installs(text: string): string[] {
  const wanted = packages()
  const missing = (names: readonly string[]) => names.filter((name) => !text.includes(`"${name}"`)).join(' ')
  const runs = missing(Object.keys(wanted.dependencies))
  const develops = missing(Object.keys(wanted.devDependencies))
  return [...(runs === '' ? [] : [`npm install ${runs}`]), ...(develops === '' ? [] : [`npm install -D ${develops}`])]
}

/** The packages of an app, in the versions with which Millrace is tested. */
function packages() {
  const own = JSON.parse(readFileSync(ours('package.json'), 'utf8')) as Record<string, string> & {
    devDependencies: Record<string, string>
  }
  const { zod, typescript, '@types/node': types } = own.devDependencies
  return {
    dependencies: { millrace: `^${own['version']}`, zod },
    devDependencies: { '@types/node': types, typescript },
  }
}

function filesOf(folder: string): Readonly<Record<string, string>> {
  const name =
    folder
      .toLowerCase()
      .replace(/[^a-z0-9-]+/g, '-')
      .replace(/^-+|-+$/g, '') || 'app'
  const engines = { node: '>=24.15.0' }
  const compilerOptions = {
    target: 'esnext',
    module: 'nodenext',
    types: ['node'],
    strict: true,
    noEmit: true,
    allowImportingTsExtensions: true,
    erasableSyntaxOnly: true,
    verbatimModuleSyntax: true,
    skipLibCheck: true,
  }
  return {
    'package.json': json({ name, private: true, type: 'module', engines, scripts, ...packages() }),
    'tsconfig.json': json({ compilerOptions }),
    '.gitignore': 'node_modules/\n*.db\n*.db-*\n',
    ...Object.fromEntries(ofApp.map((file) => [file, readFileSync(ours(`examples/starter/${file}`), 'utf8')])),
  }
}

const json = (value: object) => `${JSON.stringify(value, undefined, 2)}\n`

/** A file of the package. */
const ours = (path: string) => new URL(`../../../${path}`, import.meta.url)
