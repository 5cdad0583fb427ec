// The package as its users get it: packed from a copy of the repository, and installed by npm.
import { type ExecFileSyncOptions, execFileSync } from 'node:child_process'
import {
  cpSync,
  mkdirSync,
  mkdtempDisposableSync,
  readFileSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../..', import.meta.url))

const { NODE_TEST_CONTEXT: _, FORCE_COLOR: __, ...own } = process.env

/** Without npm's switches of the run that we are in, which would change what it does here; Node.js is the one of us. */
export const env = {
  MILLRACE_PORT: 'none',
  ...Object.fromEntries(Object.entries(own).filter(([name]) => !name.startsWith('npm_'))),
  PATH: `${dirname(process.execPath)}${delimiter}${own['PATH']}`,
  NO_COLOR: '1',
  npm_config_audit: 'false',
  npm_config_fund: 'false',
  npm_config_prefer_offline: 'true',
}

const options = { encoding: 'utf8', env, stdio: ['ignore', 'pipe', 'pipe'] } satisfies ExecFileSyncOptions

/** What a command says on standard output. */
export const run = (cwd: string, command: string, ...words: string[]): string =>
  execFileSync(command, words, { ...options, cwd })

/** What the commands of a script say on standard output. */
export const shell = (cwd: string, script: string): string => run(cwd, 'sh', '-ec', script)

/** A folder with the tarball in it, and the files that are in the tarball. */
export function pack(): { folder: string; tarball: string; files: string[]; remove: () => void } {
  const temporary = mkdtempDisposableSync(join(tmpdir(), 'millrace-package-'))
  const folder = realpathSync(temporary.path)
  const copy = join(folder, 'copy')
  const source = 'bin src tools docs examples package.json tsconfig.json tsconfig.build.json README.md LICENSE'
  for (const name of source.split(' ')) cpSync(join(root, name), join(copy, name), { recursive: true })
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))
  const name = run(copy, 'npm', 'pack', '--silent').trim().split('\n').at(-1)!
  const tarball = join(copy, name)
  const listed = run(copy, 'tar', 'tzf', tarball).split('\n').filter(Boolean)
  const files = listed.map((file) => file.slice('package/'.length))
  return { folder, tarball, files, remove: () => temporary.remove() }
}

/** A new project with the package and the tools of `test/package/tools`, in the versions of their lock file. */
export function projectWithTools({ folder, tarball }: { folder: string; tarball: string }): string {
  const project = join(folder, 'tools')
  mkdirSync(project)
  for (const name of ['package.json', 'package-lock.json']) {
    writeFileSync(join(project, name), readFileSync(join(root, 'test/package/tools', name)))
  }
  shell(project, `npm ci --ignore-scripts && npm install --no-save --ignore-scripts ${tarball}`)
  return project
}
