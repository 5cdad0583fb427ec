// Builds the dashboard of src/dashboard/ into files: the entry, its parts, one style sheet and index.html. The names of all
// but index.html have a hash of the content, so that browsers keep them. Each file is there compressed too.
//
//   node tools/dashboard.ts    prints them as JSON, { name: text in base64 }: a server in a clone asks for that
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import { rolldown } from 'rolldown'

const root = fileURLToPath(new URL('..', import.meta.url))

/** The files by name: `index.html`, `assets/main-HASH.js`, and beside each its `.gz` and `.br`. */
export async function dashboardFiles(): Promise<ReadonlyMap<string, Uint8Array>> {
  const bundle = await rolldown({
    cwd: root,
    input: { main: 'src/dashboard/main.tsx' },
    platform: 'browser',
    tsconfig: 'src/dashboard/tsconfig.json',
    transform: { target: 'es2023' },
    logLevel: 'silent',
  })
  const { output } = await bundle.generate({
    format: 'esm',
    minify: true,
    comments: false,
    hashCharacters: 'hex',
    entryFileNames: 'assets/[name]-[hash].js',
    chunkFileNames: 'assets/[name]-[hash].js',
  })
  await bundle.close()
  const chunks = output.filter((one) => one.type === 'chunk')
  const files = new Map<string, Uint8Array>(chunks.map(({ fileName, code }) => [fileName, Buffer.from(code)]))
  const style = readFileSync(join(root, 'src/dashboard/style/main.css'))
  const hash = createHash('sha256').update(style).digest('hex').slice(0, 8)
  files.set(`assets/main-${hash}.css`, style)
  const named = (ending: string) =>
    [...files.keys()].find((name) => name.startsWith('assets/main-') && name.endsWith(ending))!
  files.set('index.html', Buffer.from(page(named('.js'), named('.css'))))
  files.set('assets/licenses.txt', Buffer.from(licensesOf(chunks.flatMap(({ moduleIds }) => moduleIds))))
  for (const [name, contents] of [...files]) {
    files.set(`${name}.gz`, gzipSync(contents, { level: 9 }))
    files.set(
      `${name}.br`,
      brotliCompressSync(contents, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: contents.length } }),
    )
  }
  return files
}

/** What a browser gets for each address of a page. The server puts the way up to the base in place of the first dot. */
const page = (script: string, style: string) => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover">
<meta name="color-scheme" content="light dark">
<title>Millrace</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="./${style}">
<script type="module" src="./${script}"></script>
</head>
<body><div id="page"></div><noscript>The dashboard needs JavaScript. Everything on it can be done by the command millrace too.</noscript></body>
</html>
`

/** The licences of the packages that are in the files. */
function licensesOf(paths: readonly string[]): string {
  const packages = new Set(paths.flatMap((path) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? []))
  const texts = [...packages].sort().map((name) => {
    const text = readFileSync(join(root, 'node_modules', name, 'LICENSE'), 'utf8')
    return `${name}\n\n${text.trim()}\n`
  })
  return texts.join('\n\n')
}

if (import.meta.main) {
  const entries = [...(await dashboardFiles())].map(([name, contents]) => [
    name,
    Buffer.from(contents).toString('base64'),
  ])
  process.stdout.write(JSON.stringify(Object.fromEntries(entries)))
}
