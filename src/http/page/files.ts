// The files of the dashboard. In the package they lie in dist/dashboard. A clone has no built files: there a process of
// its own builds them from src/dashboard when the first browser asks, and this one has them in memory.
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { dirname, extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { fault } from '../../model/errors.ts'

export interface PageFile {
  readonly type: string
  readonly etag: string
  readonly plain: Uint8Array
  readonly gzip: Uint8Array
  readonly br: Uint8Array
}

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.txt': 'text/plain; charset=utf-8',
}

const here = dirname(fileURLToPath(import.meta.url))
const built = join(here, '../../dashboard/')
const builder = join(here, '../../../tools/dashboard.ts')

let loaded: Promise<ReadonlyMap<string, PageFile>> | undefined

/**
 * The files by name, such as `index.html`.
 *
 * @throws `millrace/page-not-built` in a clone whose packages are not installed
 */
export function pageFiles(): Promise<ReadonlyMap<string, PageFile>> {
  loaded ??= load().catch((error) => {
    loaded = undefined
    throw error
  })
  return loaded
}

async function load(): Promise<ReadonlyMap<string, PageFile>> {
  const contents = existsSync(join(built, 'index.html')) ? await readBuilt() : await build()
  const files = new Map<string, PageFile>()
  for (const [name, plain] of contents) {
    const type = types[extname(name)]
    if (type === undefined) continue
    const etag = `"${createHash('sha256').update(plain).digest('base64url').slice(0, 16)}"`
    files.set(name, { type, etag, plain, gzip: contents.get(`${name}.gz`)!, br: contents.get(`${name}.br`)! })
  }
  return files
}

async function readBuilt(): Promise<Map<string, Uint8Array>> {
  const names = await readdir(built, { recursive: true, withFileTypes: true })
  const files = names.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  const read = files.map(async (file) => [file.slice(built.length), await readFile(file)] as const)
  return new Map(await Promise.all(read))
}

async function build(): Promise<Map<string, Uint8Array>> {
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [builder], { maxBuffer: 2 ** 26 })
    const files = JSON.parse(stdout) as Readonly<Record<string, string>>
    return new Map(Object.entries(files).map(([name, text]) => [name, Buffer.from(text, 'base64')]))
  } catch (cause) {
    throw fault('millrace/page-not-built', 'the files of the dashboard cannot be built from their source', { cause })
  }
}
