// Test files that share a process: the start of a process, with all that it imports, takes longer than the tests of most
// files. Each group is run by the file beside this one that has its name. A file that needs a process of its own, since it
// changes what the process has (its folder, its signals, its memory), is in no group. Nor is one that runs many seeds: they
// take two to three times as long in a process in which much else has run.
import { globSync } from 'node:fs'

const root = new URL('../../', import.meta.url)

/** The patterns of each group, by its name. */
export const groups: Readonly<Record<string, readonly string[]>> = {
  adapters: ['src/{adapters/{node,sqlite},app,cli,control}/**/!(*.deep).test.ts'],
  cli: ['test/cli/!(*.deep).test.ts'],
  edge: ['test/http/!(*.deep).test.ts'],
  engine: ['src/{engine,model,parts,seam,operate,describe,dashboard,http}/**/!(*.deep).test.ts'],
  shop: ['examples/**/!(*.deep).test.ts'],
}

/** The files of a group, in order. */
export function filesOf(group: string): string[] {
  return groups[group]!.flatMap((pattern) => globSync(pattern, { cwd: root })).sort()
}

/** Loads the files of a group, so that Node's test runner has their tests: all of them before the first test begins. */
export async function together(group: string): Promise<void> {
  const imports = filesOf(group).map((file) => `import ${JSON.stringify(new URL(file, root).href)}`)
  await import(`data:text/javascript,${encodeURIComponent(imports.join('\n'))}`)
}
