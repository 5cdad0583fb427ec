// Builds dist/ (ESM and .d.ts) from src/. The code of threads goes into it as text: see adapters/node/threads.ts.
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { threads as ofNode } from '../src/adapters/node/threads.ts'
import { threads as ofSqlite } from '../src/adapters/sqlite/threads.ts'
import { dashboardFiles } from './dashboard.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
rmSync(`${root}dist`, { recursive: true, force: true })
const tsc = fileURLToPath(new URL('../node_modules/typescript/bin/tsc', import.meta.url))
const { status } = spawnSync(process.execPath, [tsc, '-p', `${root}tsconfig.build.json`], { stdio: 'inherit' })
process.exitCode = status ?? 1
if (status === 0) {
  carryThreads('adapters/node', ofNode)
  carryThreads('adapters/sqlite', ofSqlite)
  for (const [name, contents] of await dashboardFiles()) {
    const file = `${root}dist/dashboard/${name}`
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, contents)
  }
}

/** Puts the built code of each thread, with what it imports of ours, where the source has the place of its file. */
function carryThreads(folder: string, threads: Readonly<Record<string, URL>>): void {
  const entries = Object.entries(threads).map(([name, source]) => {
    const built = new URL(source.href.replace(/\/src\/(?!.*\/src\/)/, '/dist/').replace(/\.ts$/, '.js'))
    const entry = `  ${name}: new URL('${moduleUrl(built)}'),\n`
    for (const ending of ['.js', '.d.ts']) rmSync(new URL(built.href.replace(/\.js$/, ending)))
    return entry
  })
  writeFileSync(`${root}dist/${folder}/threads.js`, `export const threads = {\n${entries.join('')}};\n`)
}

/** A module as a `data:` URL, and so each of ours that it imports. */
function moduleUrl(file: URL): string {
  const code = readFileSync(file, 'utf8').replace(
    /\bfrom ['"](\.[^'"]*)['"]/g,
    (_, path: string) => `from '${moduleUrl(new URL(path, file))}'`,
  )
  return `data:text/javascript;base64,${Buffer.from(code).toString('base64')}`
}
