import { dirname, join } from 'node:path'

export interface Link {
  readonly text: string
  readonly path: string
  readonly anchor: string
}

/** The relative links of a page; what stands in a block of code is none. */
export function linksOf(page: string): Link[] {
  const text = page.replace(/```[\s\S]*?```/g, '')
  const links = text.matchAll(/\[((?:`[^`]*`|[^\]`])*)\]\(([^()\s#]*)(?:#([^()\s]*))?\)/g)
  return [...links]
    .map(([, text, path, anchor]) => ({ text: text!, path: path!, anchor: anchor ?? '' }))
    .filter(({ path }) => !/^[a-z]+:/.test(path))
}

/** The tests that a page names: `"title" in` a file of the repository in backticks, the file alone, or a link. */
export function testsNamedIn(file: string, page: string): { name: string | undefined; path: string }[] {
  const named = page.matchAll(/(?:"([^"|]+)" in )?(?<!\[)`([\w./-]+\.test\.ts)`/g)
  const linked = linksOf(page)
    .filter(({ path }) => path.endsWith('.test.ts'))
    .map(({ text, path }) => ({ name: text.replaceAll('`', ''), path: join(dirname(file), path) }))
    .map(({ name, path }) => ({ name: name.endsWith('.test.ts') ? undefined : name, path }))
  return [...[...named].map(([, name, path]) => ({ name, path: path! })), ...linked]
}
