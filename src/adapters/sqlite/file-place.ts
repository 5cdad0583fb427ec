// Checks the place of a file, and finds the reason why it cannot be opened there: SQLite says only "unable to open database
// file" for nearly every reason.
import {
  accessSync,
  closeSync,
  constants,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  type Stats,
  statfsSync,
  statSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { fault, type MillraceError } from '../../model/errors.ts'

const networkFileSystems = new Map([
  [0x6969, 'NFS'],
  [0x517b, 'SMB'],
  [0xff534d42, 'CIFS'],
  [0xfe534d42, 'SMB2'],
  [0x5346414f, 'AFS'],
  [0x01021997, '9P'],
])

/** The longest path that SQLite takes, bytes, and what it appends to one. */
const pathBytesMax = 512
const longestEnding = '-owner-journal'

/** The endings of the files that lie beside a file and are written like it. */
const beside = ['', '-wal', '-shm', '-owner'] as const

/**
 * Refuses a place where a file is not safe, before anything is touched.
 *
 * @throws `millrace/cannot-open`, `millrace/network-file-system`, `millrace/corrupt-file`
 */
export function checkPlace(file: string): void {
  const wrong = wrongPlace(file)
  if (wrong !== undefined) throw wrong
  const name = networkFileSystems.get(statfsSync(dirname(file)).type)
  if (name !== undefined) {
    throw fault(
      'millrace/network-file-system',
      `${file} is on a network file system (${name}), whose locks cannot be relied on`,
    )
  }
  // Before it is open, and only then: closing a descriptor of an open database would drop its locks.
  if (look(file).stats !== undefined && !looksLikeDatabase(file)) {
    throw fault('millrace/corrupt-file', `${file} is no SQLite database, or its beginning is torn`)
  }
}

/**
 * Refuses a file that has several names: its owner and its -wal file lie beside each of them, so that two processes would
 * write it at once, and one would not find after a crash what the other has written.
 *
 * @throws `millrace/hard-linked`
 */
export function checkLinks(file: string): void {
  const { stats } = look(file)
  if (stats === undefined || stats.nlink < 2) return
  const folder = dirname(file)
  const others = readdirSync(folder)
    .map((name) => join(folder, name))
    .filter((path) => path !== file && isSame(lstatSync(path, { throwIfNoEntry: false }), stats))
  const known = others.length === 0 ? '; find them by `find -samefile`' : `, such as ${others[0]}`
  throw fault('millrace/hard-linked', `${file} has ${stats.nlink} names (hard links)${known}`)
}

function isSame(one: Stats | undefined, { dev, ino }: Stats): boolean {
  return one?.dev === dev && one.ino === ino
}

/** The error for a file that could not be opened for writing, where its place or its permissions are the reason. */
export function whyNotOpened(file: string, cause: unknown): MillraceError | undefined {
  return wrongPlace(file, cause) ?? wrongPermission(file, cause) ?? outOfDescriptors(file, cause)
}

/** The error for a file that cannot be seen, where it is not just missing. */
export function whyNotSeen(file: string): MillraceError | undefined {
  const { code } = look(file)
  return code !== undefined || linkOf(file) !== undefined ? wrongPlace(file) : undefined
}

/** Looks at a path; `code` is the reason of the system where that is not possible. */
function look(path: string): { readonly stats?: Stats | undefined; readonly code?: string | undefined } {
  try {
    const stats = statSync(path, { throwIfNoEntry: false })
    return stats === undefined ? {} : { stats }
  } catch (error) {
    return { code: (error as { code?: string }).code ?? 'unknown' }
  }
}

function wrongPlace(file: string, cause?: unknown): MillraceError | undefined {
  const cannot = (why: string) => fault('millrace/cannot-open', `cannot open ${file}: ${why}`, { cause })
  const bytes = Buffer.byteLength(file + longestEnding)
  if (bytes > pathBytesMax) {
    return cannot(
      `the path has ${bytes - longestEnding.length} bytes, more than ${pathBytesMax - longestEnding.length}`,
    )
  }
  const folder = dirname(file)
  const around = look(folder)
  switch (around.code) {
    case undefined:
      break
    case 'EACCES':
      return cannot(`${me()} may not look into a folder on the way to ${folder}`)
    case 'ENAMETOOLONG':
      return cannot(`a name in the path is too long`)
    case 'ELOOP':
      return cannot(`the links on the way to ${folder} lead in a circle`)
    default:
      return cannot(`the system says ${around.code} of ${folder}`)
  }
  if (around.stats === undefined) return cannot(`there is no folder ${folder}`)
  if (!around.stats.isDirectory()) return cannot(`${folder} is no folder`)
  for (const ending of beside) {
    const path = file + ending
    const { stats, code } = look(path)
    if (code === 'ENAMETOOLONG') return cannot(`the name ${path.slice(folder.length + 1)} is too long`)
    if (code === 'ELOOP') return cannot(`the links at ${path} lead in a circle`)
    if (code === 'EACCES') return cannot(`${me()} may not look into ${folder}, or where the link ${path} leads`)
    if (stats === undefined) {
      const target = linkOf(path)
      if (target !== undefined) {
        return cannot(`${path} is a link to ${target}, which does not exist; make that file, or name it directly`)
      }
    } else if (stats.isDirectory()) return cannot(`${path} is a folder`)
    else if (!stats.isFile()) return cannot(`${path} is no regular file`)
  }
  return undefined
}

function linkOf(path: string): string | undefined {
  try {
    return lstatSync(path).isSymbolicLink() ? readlinkSync(path) : undefined
  } catch {
    return undefined
  }
}

function wrongPermission(file: string, cause: unknown): MillraceError | undefined {
  const folder = dirname(file)
  for (const ending of beside) {
    const path = file + ending
    if (look(path).stats === undefined) continue
    const why = denied(path, constants.R_OK | constants.W_OK)
    if (why !== undefined) return fault('millrace/read-only', `cannot read and write ${path}: ${why}`, { cause })
  }
  const why = denied(folder, constants.W_OK | constants.X_OK)
  if (why === undefined) return undefined
  return fault('millrace/read-only', `cannot make files in ${folder}, where ${file} is or is to be: ${why}`, { cause })
}

/** Says why this process may not use a file or folder in a mode; undefined where it may. */
function denied(path: string, mode: number): string | undefined {
  try {
    accessSync(path, mode)
    return undefined
  } catch (error) {
    const { code } = error as { code?: string }
    if (code === 'EROFS') return 'its file system is mounted read-only'
    const { stats } = look(path)
    const of = stats === undefined ? '' : ` it belongs to user ${stats.uid}, mode ${(stats.mode & 0o7777).toString(8)}`
    return code === 'EACCES' || code === 'EPERM' ? `${me()} may not;${of}` : `the system says ${code}`
  }
}

/** The user of this process, for people. */
function me(): string {
  const uid = process.geteuid?.()
  return uid === undefined ? 'the user of this process' : `user ${uid}, as whom this process runs,`
}

/** Too many open files look like a file that cannot be opened: opening its folder tells them apart. */
function outOfDescriptors(file: string, cause: unknown): MillraceError | undefined {
  try {
    closeSync(openSync(dirname(file), 'r'))
    return undefined
  } catch (error) {
    const { code } = error as { code?: string }
    if (code !== 'EMFILE' && code !== 'ENFILE') return undefined
    const whose = code === 'EMFILE' ? 'this process' : 'the machine'
    const text = `cannot open ${file}: ${whose} has as many files open as it may; close some, or raise the limit`
    return fault('millrace/cannot-open', text, { cause })
  }
}

function looksLikeDatabase(file: string): boolean {
  const magic = Buffer.alloc(16)
  const descriptor = openSync(file, 'r')
  try {
    const bytes = readSync(descriptor, magic, 0, magic.length, 0)
    return bytes === 0 || magic.toString('latin1') === 'SQLite format 3\0'
  } finally {
    closeSync(descriptor)
  }
}
