import { closeSync, existsSync, fsyncSync, openSync, readSync, writeSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { dirname } from 'node:path'
import { fault, isMillraceError, type MillraceError } from '../../model/errors.ts'
import { startThread, type Thread, type ThreadListener } from '../node/thread.ts'
import type { Disk, OpenFile, Synced } from './disk.ts'
import { freeBytesOf } from './free.ts'
import type { Ask } from './maintenance-thread.ts'
import { FilesLook } from './open-files.ts'
import { lookMs, place, places, reached } from './sync-memory.ts'
import { threads } from './threads.ts'
import { misplacedFault } from './trouble.ts'

/** How much of a -wal file is read and written at once. */
const renewBytes = 1024 * 1024
/** A sync that took longer is told only after another look at the files, milliseconds. */
const lookAgainMs = 10
/** How often all of the files are looked at, whatever their folder says, milliseconds. */
const lookAtAllMs = 500

interface Waiting<T> {
  resolve(value: T): void
  reject(error: unknown): void
}

/** The real disk: a thread that syncs, started at once, and a thread for maintenance, started when first needed. */
export function nodeDisk(): Disk {
  const control = new Int32Array(new SharedArrayBuffer(4 * places))
  /** Two threads that look for each other need a processor each. */
  const mayLook = availableParallelism() > 1
  let file = ''
  let files: readonly OpenFile[] = []
  /**
   * Looks at the files at each sync, beside the thread that syncs: there it would delay every acknowledgement by as much
   * as it takes.
   */
  let filesLook: FilesLook | undefined
  let lookedAt = Number.NEGATIVE_INFINITY
  let lookedAtAll = Number.NEGATIVE_INFINITY
  /** Syncs asked for and not answered, each with its number. */
  let syncing: (Waiting<Synced> & { number: number })[] = []
  let last: Synced = { freeBytes: Number.MAX_SAFE_INTEGER }
  let keeper: Thread | undefined
  let asked: Waiting<unknown> | undefined
  let turn: Promise<unknown> = Promise.resolve()
  /** Why nothing more is synced. */
  let broken: MillraceError | undefined
  let closing = false
  /** The ends of all threads, noted from their beginning: one that fails is gone before anybody asks for its end. */
  const ends: Promise<unknown>[] = []

  function thread<Answer>(code: URL, data: object, listener: ThreadListener<Answer>): Thread {
    const { promise, resolve } = Promise.withResolvers<void>()
    const ended = () => {
      listener.ended?.()
      resolve()
    }
    const started = startThread(code, data, { ...listener, ended })
    ends.push(promise)
    return started
  }

  const syncFailed = (why: unknown) => {
    broken ??= isMillraceError(why) ? why : fault('millrace/sync-failed', `syncing ${file}-wal failed: ${String(why)}`)
    const failed = syncing
    syncing = []
    for (const { reject } of failed) reject(broken)
  }

  /** Fails all syncs where other files are in the place of those that are open. */
  function look(): void {
    lookedAt = performance.now()
    const all = lookedAt - lookedAtAll >= lookAtAllMs
    if (all) lookedAtAll = lookedAt
    const why = all ? filesLook!.misplaced() : filesLook!.glance()
    if (why !== undefined) syncFailed(misplacedFault(why))
  }

  /** What was asked for up to a number is on disk. A sync that took long is not told before another look. */
  function synced(number: number): void {
    if (performance.now() - lookedAt > lookAgainMs) look()
    while (syncing.length > 0 && reached(number, syncing[0]!.number)) syncing.shift()!.resolve(last)
  }

  function lookFor(number: number, until: number): void {
    if (reached(Atomics.load(control, place.done), number)) synced(number)
    else if (performance.now() < until) setImmediate(lookFor, number, until)
  }

  /** Asks the maintenance thread, one question at a time. */
  function ask<T>(question: Ask): Promise<T> {
    const answer = turn.then(() => {
      if (broken?.code === 'millrace/files-replaced') throw broken
      if (broken !== undefined)
        throw fault(
          'millrace/disk-failed',
          `a sync of ${file} has failed: no ${question === 'checkpoint' ? 'checkpoint' : 'check'} before it is opened anew`,
        )
      keeper ??= startKeeper()
      return new Promise<T>((resolve, reject) => {
        asked = { resolve: resolve as (value: unknown) => void, reject }
        keeper!.post(question)
      })
    })
    turn = answer.catch(() => {})
    return answer
  }

  function startKeeper(): Thread {
    let why: unknown
    const started: Thread = thread<{ value?: unknown; error?: string; misplaced?: string }>(
      threads.maintenance,
      { file, files },
      {
        answer({ value, error, misplaced }) {
          if (misplaced !== undefined) {
            syncFailed(misplacedFault(misplaced))
            asked?.reject(broken)
          } else if (error === undefined) asked?.resolve(value)
          else asked?.reject(fault('millrace/disk-failed', `maintenance of ${file} failed: ${error}`))
        },
        failed(error) {
          why = error
        },
        ended() {
          asked?.reject(
            isMillraceError(why)
              ? why
              : fault('millrace/disk-failed', `the maintenance thread of ${file} ended: ${String(why)}`),
          )
          if (keeper === started) keeper = undefined
        },
      },
    )
    started.unref()
    return started
  }

  return {
    async renewWal(path) {
      const place = `${path}-wal`
      if (!existsSync(place)) return
      const wal = openSync(place, 'r+')
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
    },
    async open(path, open) {
      file = path
      files = open
      filesLook = new FilesLook(file, files)
      // The first sync of a new file has to reach its name in the folder too.
      const folder = openSync(dirname(file), 'r')
      fsyncSync(folder)
      closeSync(folder)
      thread<Synced & { number: number; error?: string }>(
        threads.sync,
        { file, control },
        {
          answer(answer) {
            if (answer.error !== undefined) return syncFailed(answer.error)
            last = answer
            synced(answer.number)
          },
          failed: syncFailed,
        },
      )
    },
    freeBytes: () => freeBytesOf(file),
    sync: (pace) =>
      new Promise((resolve, reject) => {
        if (broken !== undefined) {
          reject(broken)
          return
        }
        const looks = pace === 'chained' && mayLook
        Atomics.store(control, place.looks, looks ? 1 : 0)
        const number = (Atomics.add(control, place.asked, 1) + 1) | 0
        syncing.push({ number, resolve, reject })
        Atomics.notify(control, place.asked)
        look()
        if (looks) setImmediate(lookFor, number, performance.now() + lookMs)
      }),
    checkpoint: () => ask<boolean>('checkpoint'),
    async quickCheck() {
      const found: string[] = []
      for (const check of await ask<string[]>('tables')) {
        if (closing) break
        found.push(...(await ask<string[]>({ check })))
      }
      return found
    },
    async close() {
      closing = true
      await turn
      keeper?.ref()
      Atomics.store(control, place.ends, 1)
      Atomics.add(control, place.asked, 1)
      Atomics.notify(control, place.asked)
      keeper?.post('close')
      await Promise.all(ends)
    },
  }
}
