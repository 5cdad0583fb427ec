// Builds the dashboard of src/dashboard/ into files: the entry, its parts, one style sheet and index.html. The names of all
// but index.html have a hash of the content, so that browsers keep them. Each file is there compressed too.
//
//   node tools/dashboard.ts    prints them as JSON, { name: text in base64 }: a server in a clone asks for that
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import { build, type Metafile } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))

/** The files by name: `index.html`, `assets/main-HASH.js`, and beside each its `.gz` and `.br`. */
export async function dashboardFiles(): Promise<ReadonlyMap<string, Uint8Array>> {
  const { outputFiles, metafile } = await build({
    absWorkingDir: root,
    entryPoints: { main: 'src/dashboard/main.tsx' },
    outdir: 'out',
    write: false,
    metafile: true,
    bundle: true,
    splitting: true,
    format: 'esm',
    target: 'es2023',
    minify: true,
    charset: 'utf8',
    legalComments: 'none',
    entryNames: 'assets/[name]-[hash]',
    chunkNames: 'assets/[name]-[hash]',
    tsconfig: 'src/dashboard/tsconfig.json',
    logLevel: 'silent',
  })
  const files = new Map<string, Uint8Array>()
  for (const { path, contents } of outputFiles) files.set(path.slice(join(root, 'out/').length), contents)
  const named = (ending: string) =>
    [...files.keys()].find((name) => name.startsWith('assets/main-') && name.endsWith(ending))!
  files.set('index.html', Buffer.from(page(named('.js'), named('.css'))))
  files.set('assets/licenses.txt', Buffer.from(licensesOf(metafile)))
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
function licensesOf({ inputs }: Metafile): string {
  const packages = new Set(
    Object.keys(inputs).flatMap((path) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? []),
  )
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
