// The dashboard at `/`: one page for each of its addresses, and its files. The page asks the routes of /api for all that
// it shows, as whoever is signed in; the files themselves are no secret, so anyone gets them.
import type { Answer } from '../route.ts'
import { type PageFile, pageFiles } from './files.ts'

/** Answers a request for the page or one of its files; undefined for any other path. */
export async function pageOf({ method, headers }: Request, path: string): Promise<Answer | undefined> {
  if (method !== 'GET' && method !== 'HEAD') return undefined
  const isPage = path === '/' || pages.test(path)
  if (!isPage && !path.startsWith('/assets/')) return undefined
  const file = (await pageFiles()).get(isPage ? 'index.html' : path.slice(1))
  if (file === undefined) return undefined
  return isPage ? shell(file, headers, path) : asset(file, headers)
}

/** The pages of the dashboard: every address of theirs is answered with the same document. */
const pages = /^\/(desk|inbox|messages|flows|map|system)(\/|$)/

const policy = [
  ...["default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data:", "connect-src 'self'"],
  ...["worker-src 'self'", "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"],
  ...["require-trusted-types-for 'script'", "trusted-types 'none'"],
].join('; ')

const guards = {
  'content-security-policy': policy,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
}

/**
 * The document names its files by the way up from its own address, so that it works below any path that a proxy puts
 * before it.
 */
function shell({ type, plain, etag }: PageFile, asked: Headers, path: string): Answer {
  const depth = path.split('/').length - 2
  const up = depth === 0 ? './' : '../'.repeat(depth)
  const tag = `${etag.slice(0, -1)}-${depth}"`
  const headers = { ...guards, 'content-type': type, 'cache-control': 'no-cache', etag: tag }
  if (isKnown(asked, tag)) return { status: 304, headers }
  return { status: 200, headers, body: Buffer.from(plain).toString().replaceAll('"./assets/', `"${up}assets/`) }
}

function asset(file: PageFile, asked: Headers): Answer {
  const { type, etag } = file
  const headers = {
    ...guards,
    'content-type': type,
    'cache-control': 'public, max-age=31536000, immutable',
    vary: 'accept-encoding',
    etag,
  }
  if (isKnown(asked, etag)) return { status: 304, headers }
  const takes = asked.get('accept-encoding') ?? ''
  const coding = (['br', 'gzip'] as const).find((one) =>
    new RegExp(`\\b${one}\\b(?!\\s*;\\s*q=0(\\.0*)?\\s*(,|$))`).test(takes),
  )
  if (coding === undefined) return { status: 200, headers, body: file.plain }
  return { status: 200, headers: { ...headers, 'content-encoding': coding }, body: file[coding] }
}

const isKnown = (headers: Headers, etag: string) =>
  (headers.get('if-none-match') ?? '').split(',').some((one) => one.trim().replace(/^W\//, '') === etag)
