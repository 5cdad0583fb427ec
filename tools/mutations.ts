// Finds the text that each mutation replaces in the file where it stands now, after code was moved, and names that file in
// test/simulation/mutations.ts. Fails when a text is found never or twice: then the mutation is to be written anew.
import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Edit, mutations } from '../test/simulation/mutations.ts'

/** A file of `src/`, by its path below it. */
type Sources = ReadonlyMap<string, string>

/** An edit and the files in which its text stands, one entry for each time. */
export interface Found {
  readonly name: string
  readonly edit: Edit
  readonly files: readonly string[]
}

/** Looks for the text of each edit: in its own file, or in all where that has it not once. */
export function find(all: Readonly<Record<string, readonly Edit[]>>, sources: Sources): Found[] {
  const times = (file: string, text: string) => (sources.get(file) ?? '').split(text).length - 1
  return Object.entries(all).flatMap(([name, edits]) =>
    edits.map((edit) => {
      if (times(edit.file, edit.from) === 1) return { name, edit, files: [edit.file] }
      return { name, edit, files: [...sources.keys()].flatMap((file) => Array(times(file, edit.from)).fill(file)) }
    }),
  )
}

/** The text of the mutations with the file of each edit named as it was found, in order. */
export function renamed(text: string, found: readonly Found[]): string {
  let n = 0
  return text.replace(/(?<=\bfile: ')[^'\n]+(?=')/g, (file) => {
    const next = found[n]
    if (next === undefined || next.edit.file !== file) return file
    n++
    return next.files.length === 1 ? next.files[0]! : file
  })
}

if (import.meta.main) {
  const src = fileURLToPath(new URL('../src', import.meta.url))
  const files = globSync('**/*.ts', { cwd: src }).filter((file) => !file.endsWith('.test.ts'))
  const found = find(mutations, new Map(files.map((file) => [file, readFileSync(join(src, file), 'utf8')])))
  const url = new URL('../test/simulation/mutations.ts', import.meta.url)
  writeFileSync(url, renamed(readFileSync(url, 'utf8'), found))
  for (const { name, edit, files } of found) {
    const text = JSON.stringify(edit.from)
    if (files.length === 1 && files[0] !== edit.file) console.log(`"${name}": ${edit.file} → ${files[0]}`)
    if (files.length === 1) continue
    const where = files.length === 0 ? 'in no file' : `${files.length} times, in ${[...new Set(files)].join(', ')}`
    console.error(`"${name}": ${text} of ${edit.file} is ${where}`)
    process.exitCode = 1
  }
}
