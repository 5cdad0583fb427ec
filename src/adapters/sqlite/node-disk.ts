// The real disk: a thread that syncs, started at once; one for maintenance and one that reads, started when first needed.
import { closeSync, existsSync, fsyncSync, openSync, readSync, writeSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { dirname } from 'node:path'
import { startThread, type Thread, type ThreadListener } from '../node/thread.ts'
import type { Disk } from './disk.ts'
import { freeBytesOf } from './free.ts'
import { Maintenance } from './maintenance.ts'
import { FilesLook } from './open-files.ts'
import { Reader } from './reader.ts'
import { type SyncAnswer, Syncs } from './syncs.ts'
import { threads } from './threads.ts'

/** The bytes of a -wal file that are read and written at once. */
const renewBytes = 1024 * 1024
/** The memory bound of the thread that reads, MB: its answers hold many messages. */
const readerMb = 128

export function nodeDisk(): Disk {
  let file = ''
  let closing = false
  /** The ends of all threads, noted from their beginning: one that fails is gone before `close` asks for its end. */
  const ends: Promise<unknown>[] = []

  function start<Answer>(code: URL, data: object, listener: ThreadListener<Answer>, mb?: number): Thread {
    const { promise, resolve } = Promise.withResolvers<void>()
    const ended = () => {
      listener.ended?.()
      resolve()
    }
    const started = startThread(code, data, { ...listener, ended }, mb)
    ends.push(promise)
    return started
  }

  const syncs = new Syncs(availableParallelism())
  const maintenance = new Maintenance({
    start: (data, listener) => start(threads.maintenance, data, listener),
    broken: () => syncs.broken,
    misplaced: (error) => syncs.fail(error),
  })
  const reader = new Reader({
    start: (data, listener) => start(threads.reader, data, listener, readerMb),
    after(ms, fn) {
      const timer = setTimeout(fn, ms)
      timer.unref()
      return () => clearTimeout(timer)
    },
  })

  return {
    renewWal: async (path) => renew(`${path}-wal`),
    async open(path, files) {
      file = path
      syncs.open(file, new FilesLook(file, files))
      maintenance.open(file, files)
      reader.open(file, files)
      // The first sync of a new file has to reach its name in the folder too.
      const folder = openSync(dirname(file), 'r')
      fsyncSync(folder)
      closeSync(folder)
      start<SyncAnswer>(
        threads.sync,
        { file, control: syncs.memory },
        { answer: (answer) => syncs.answered(answer), failed: (error) => syncs.fail(error) },
      )
    },
    freeBytes: () => freeBytesOf(file),
    sync: (pace) => syncs.ask(pace),
    checkpoint: () => maintenance.ask<boolean>('checkpoint'),
    async quickCheck() {
      const found: string[] = []
      for (const check of await maintenance.ask<string[]>('tables')) {
        if (closing) break
        found.push(...(await maintenance.ask<string[]>({ check })))
      }
      return found
    },
    read: (ask) => reader.ask(ask),
    async close() {
      closing = true
      reader.close()
      await maintenance.close()
      syncs.end()
      await Promise.all(ends)
    },
  }
}

/** Writes a -wal file out anew, as it is, and syncs it. */
function renew(path: string): void {
  if (!existsSync(path)) return
  const wal = openSync(path, 'r+')
  const part = Buffer.alloc(renewBytes)
  try {
    for (let at = 0, bytes = 0; ; at += bytes) {
      bytes = readSync(wal, part, 0, renewBytes, at)
      if (bytes === 0) break
      writeSync(wal, part, 0, bytes, at)
    }
    fsyncSync(wal)
  } finally {
    closeSync(wal)
  }
}
