// Trials of held messages, and the tests that are made of them.
import type { ChangeList } from '../model/change.ts'
import type { Actor } from '../model/desk.ts'
import type { DeskTrial } from '../model/desk-trials.ts'
import type { Optional } from '../model/options.ts'

/** The data of a trial, and who asks for it. */
export interface TryOptions extends Optional<Actor> {
  /** Corrected data. Default: the data as they are. */
  readonly data?: unknown
  /** A change list for the data; not beside `data`. */
  readonly change?: ChangeList | undefined
}

/** How a test is made, and who asks for it. */
export interface TestOptions extends Optional<Actor> {
  /** The path of the app file in the import of the test, default `./app.ts`. */
  readonly app?: string | undefined
}

/** A test made of a message at the desk. */
export interface DeskTest {
  /** A name for the file: the processor, the number of the message, and `.test.ts`. */
  readonly name: string
  /** TypeScript, for `node --test`. */
  readonly text: string
  /** Whether it has the recorded answers of the database. */
  readonly answers: boolean
}

/** Trials of held messages, and tests made of their failures. */
export interface DeskTrials {
  /**
   * Tries a held message: its handler runs on the data as they are or corrected, and all that it does is taken back. Nothing
   * is written, published, sent or counted, and the message stays as it is. Only for a processor that says `trial: true`.
   * What the handler does to other systems is not taken back.
   *
   * One trial at a time. A handler has 10 s, or its `timeoutMs` where that is less; its commit function has 100 ms. It runs
   * behind what is ready to be written. What the database checks at COMMIT, and an `id` that was published before with other
   * data, only a real attempt finds. The trial is in the audit log.
   *
   * @param id its number at the desk
   * @param options `data` or `change`, as of `check`; who asks and why; default: the data as they are, and the app itself
   * @returns what would have been written, sent and returned, or how it failed; secrets are masked
   * @throws `millrace/unknown-item`, `millrace/unknown-processor`, `millrace/not-held`, `millrace/no-trial`,
   *   `millrace/trial-busy`; as `resubmit` where the data do not fit; `millrace/not-running` on a stopped app
   *
   * @example
   * ```ts
   * const [first] = await shop.desk.list()
   * const change = [{ op: 'replace', path: '/sku', value: 'sieve' }] as const
   * const { outcome, error, statements } = await shop.desk.try(first!.id, { change, by: 'ada' })
   * console.log(outcome, error?.message, statements.map(({ text, changed }) => `${text}: ${changed} rows`))
   * ```
   */
  try(id: number, options?: TryOptions): Promise<DeskTrial>
  /**
   * Makes a test of a message at the desk: a file for `node --test` that fails as the message did, and passes once the
   * processor handles it. It uses `given` of `millrace/testing`. Where the processor says `trial: true` and the message is
   * held, it is tried as it is, and the file has the answers of the database to each statement. Secrets are masked.
   *
   * @param id its number at the desk
   * @param options the path of the app file; who asks and why
   * @returns the file: a name and its text
   * @throws `millrace/unknown-item`; `millrace/no-test` where the part is no processor of its own;
   *   `millrace/not-running` on a stopped app; as `try`
   *
   * @example
   * ```ts
   * const [first] = await shop.desk.list()
   * const { name, text } = await shop.desk.test(first!.id, { app: '../app.ts', by: 'ada' })
   * console.log(name, text.length)
   * ```
   */
  test(id: number, options?: TestOptions): Promise<DeskTest>
}
