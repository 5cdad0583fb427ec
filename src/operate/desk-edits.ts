// Corrections: what a message may look like, whether an edit fits, and an edit that says only what is different.
import type { ChangeList } from '../model/change.ts'
import type { ErrorCode } from '../model/errors.ts'
import type { JsonSchema } from '../model/json-schema.ts'
import type { Misfit } from '../model/misfits.ts'
import type { Repair } from '../model/repairs.ts'

/** The shape of the data of a message at the desk, for a form. */
export interface DeskForm {
  readonly type: string
  /** The version of the type in the code; corrected data have this version. Null where the app no longer has the type. */
  readonly version: number | null
  /** The JSON Schema (2020-12) of the data; null where there is none. */
  readonly schema: JsonSchema | null
  /** The reason for which there is none; null where there is one. */
  readonly why: string | null
  /** The secret fields, as JSON Pointers. */
  readonly secret: readonly string[]
}

/** An edit of data: all of them anew, or a change list. One of the two. */
export interface DeskEdit {
  readonly data?: unknown
  readonly change?: ChangeList | undefined
}

/** The result that an edit would have. */
export interface DeskCheck {
  /** The number of the message at the desk. */
  readonly item: number
  /** The revision of the message that was looked at. */
  readonly revision: number
  readonly type: string
  /** The data as they are, as JSON text: every digit is as it is stored. */
  readonly before: string
  /** The data after the edit, as JSON text; null where the edit is refused. */
  readonly after: string | null
  /** The error with which it would be refused; null where it fits. */
  readonly error: { readonly code: ErrorCode; readonly message: string } | null
  /** The places that do not fit the schema, where the schema says them. */
  readonly misfits: readonly Misfit[]
}

/** Corrections of messages at the desk, by people who may see a part of the data only. */
export interface DeskEdits {
  /**
   * Tells the shape of the data of a message: the JSON Schema that the library of its schema gives, or the reason why
   * there is none.
   *
   * @param id its number at the desk
   * @returns the shape, of the type as it is in the code now
   * @throws `millrace/unknown-item`; `millrace/no-app` on a stopped app whose code is not known
   *
   * @example
   * ```ts
   * const [first] = await shop.desk.list()
   * const { schema, why } = await shop.desk.form(first!.id)
   * console.log(schema ?? `no form: ${why}`)
   * ```
   */
  form(id: number): Promise<DeskForm>
  /**
   * Checks an edit as `resubmit` and `change` check it, and changes nothing.
   *
   * @param id its number at the desk
   * @param edit `data`, or `change`
   * @returns the data before and after, or the error with which the edit would be refused
   * @throws `millrace/unknown-item`, `millrace/bad-option`, `millrace/unknown-processor`; `millrace/no-app` on a stopped
   *   app whose code is not known
   *
   * @example
   * ```ts
   * const [first] = await shop.desk.list()
   * const { error, misfits } = await shop.desk.check(first!.id, {
   *   change: [{ op: 'replace', path: '/quantity', value: 'many' }],
   * })
   * console.log(error?.message, misfits[0]?.pointer)
   * ```
   */
  check(id: number, edit: DeskEdit): Promise<DeskCheck>
  /**
   * Sends a message with changed data in place of those that it has: as `resubmit`, by a change list. Every character
   * that the list does not change stays, with the digits of numbers and the values of secret fields.
   *
   * @param id its number at the desk
   * @param change the change list
   * @param actor who, and the reason, which is needed; the `revision` that was seen
   * @throws as `resubmit`; `millrace/change-does-not-fit`
   *
   * @example
   * ```ts
   * const [first] = await shop.desk.list()
   * const change = [{ op: 'replace', path: '/sku', value: 'sieve' }] as const
   * await shop.desk.change(first!.id, change, { by: 'ada', reason: 'the article was misspelt' })
   * ```
   */
  change(id: number, change: ChangeList, actor: Repair): Promise<void>
}
