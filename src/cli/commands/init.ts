// A new app: files that are written where none are, and the commands that come next.
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { MillraceError } from '../../index.ts'
import { commandLine } from '../../operate/command-line.ts'
import { type Call, takeWords } from '../call.ts'
import { textOf, UsageError } from '../output.ts'
import { safe, shellWord } from '../print.ts'

const scripts = { start: 'millrace start app.ts', dev: 'millrace dev app.ts', test: 'node --test' }

/** An older Node.js would run no test and say so by a zero; the command says which Node.js it needs. */
const pretest = 'millrace --version'

/** The files of the app. The others, which a project may have already, are left as they are. */
const ofApp = ['app.ts', 'app.test.ts']

/** What the files that a project may have already need for the app. */
const needs: Readonly<Record<string, readonly string[]>> = {
  'tsconfig.json': ['allowImportingTsExtensions'],
  '.gitignore': ['*.db', '*.db-*'],
}

/** Writes an app into a folder. It overwrites nothing: where a file of the app is there, it writes none. */
export async function init(call: Call): Promise<number> {
  const { out } = call
  if (call.appFile !== undefined) throw new UsageError(`init takes a folder, and "${call.appFile}" is an app file`)
  const [folder = '.'] = takeWords(call, ['FOLDER'], 0)
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() === false) {
    throw new UsageError(`${safe(folder)} is a file: name a folder`)
  }
  const files = filesOf(basename(resolve(folder)))
  const isThere = (name: string) => existsSync(join(folder, name))
  const left = Object.keys(files).filter(isThere)
  const inTheWay = left.filter((name) => ofApp.includes(name)).map((name) => safe(join(folder, name)))
  if (inTheWay.length > 0) {
    const are = inTheWay.length > 1 ? 'are' : 'is'
    throw new UsageError(`${inTheWay.join(' and ')} ${are} there already, so nothing was written: name another folder`)
  }
  const texts = new Map(left.map((name) => [name, readFileSync(join(folder, name), 'utf8')]))
  const { next, test } = commandsFor(folder, texts.get('package.json'))
  const wrote = Object.keys(files).filter((name) => !left.includes(name))
  try {
    mkdirSync(folder, { recursive: true })
    for (const name of wrote) writeFileSync(join(folder, name), files[name]!, { flag: 'wx' })
  } catch (error) {
    throw new MillraceError('millrace/cannot-open', `init cannot write into ${folder}: ${textOf(error)}`, {
      cause: error,
    })
  }
  if (out.json) {
    out.object({ wrote, left, next })
    return 0
  }
  for (const name of wrote) out.line(`wrote  ${safe(join(folder, name))}`)
  for (const [name, text] of texts) out.line(`left   ${safe(join(folder, name))}, as it was${lacks(name, text)}`)
  await out.lines(['', 'Next:', ...next.map((line) => safe(`  ${line}`)), ...afterwards(test)])
  return 0
}

function lacks(name: string, text: string): string {
  const missing = needs[name]?.filter((one) => !text.includes(one)) ?? []
  return missing.length === 0 ? '' : `; it lacks ${missing.join(' and ')}`
}

/** What to do when the app runs. */
function afterwards(test: string): string[] {
  return [
    'Then, in another terminal in the same folder:',
    `  ${commandLine(`publish app.ts order.placed '{ "sku": "flour", "quantity": 2 }'`)}`,
    '',
    `${test} runs the test, in which the power fails.`,
  ]
}

interface Commands {
  readonly next: readonly string[]
  readonly test: string
}

/** @param text that of a `package.json` which is there already; its scripts are left as they are */
function commandsFor(folder: string, text: string | undefined): Commands {
  const enter = resolve(folder) === process.cwd() ? [] : [`cd ${shellWord(folder)}`]
  if (text === undefined) return { next: [...enter, 'npm install', 'npm run dev'], test: 'npm test' }
  const { type, scripts: own = {} } = contentOf(text)
  const settings = type === 'module' ? [] : ['npm pkg set type=module']
  const isTaken = (name: string, script: string) => !isFree(own[name]) && own[name] !== script
  for (const [name, script] of Object.entries(scripts)) {
    if (isFree(own[name])) settings.push(`npm pkg set "scripts.${name}=${script}"`)
  }
  const dev = isTaken('dev', scripts.dev) ? commandLine('dev app.ts') : 'npm run dev'
  return {
    next: [...enter, ...settings, ...installs(text), dev],
    test: isTaken('test', scripts.test) ? 'node --test app.test.ts' : 'npm test',
  }
}

interface Content {
  readonly type?: unknown
  readonly scripts?: Readonly<Record<string, unknown>> | undefined
}

/** A `package.json`; one that cannot be read is empty here, and npm says what is wrong with it. */
function contentOf(text: string): Content {
  try {
    const content: unknown = JSON.parse(text)
    return typeof content === 'object' && content !== null ? content : {}
  } catch {
    return {}
  }
}

/** Whether a script is not there, or is the one of `npm init`, which only fails. */
function isFree(script: unknown): boolean {
  return script === undefined || /no test specified/.test(String(script))
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
    'package.json': json({
      name,
      private: true,
      type: 'module',
      engines,
      scripts: { ...scripts, pretest },
      ...packages(),
    }),
    'tsconfig.json': json({ compilerOptions }),
    '.gitignore': 'node_modules/\n*.db\n*.db-*\n',
    ...Object.fromEntries(ofApp.map((file) => [file, readFileSync(ours(`examples/starter/${file}`), 'utf8')])),
  }
}

const json = (value: object) => `${JSON.stringify(value, undefined, 2)}\n`

/** A file of the package. */
const ours = (path: string) => new URL(`../../../${path}`, import.meta.url)
