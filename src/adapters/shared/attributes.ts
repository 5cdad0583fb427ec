// What the column `attributes` of a message holds: null for a message of the app itself; for one from elsewhere its source
// and its attributes, as one JSON object. Its kind has an empty source, so that kinds do not grow with foreign sources.
import type { Attributes } from '../../model/attributes.ts'
import type { Stored } from '../../model/codec.ts'

export function attributesJson({ attributes, source }: Stored): string | null {
  return attributes === null ? null : JSON.stringify({ source, ...attributes })
}

export function fromElsewhere(json: string): { readonly source: string; readonly attributes: Attributes } {
  const { source, ...attributes } = JSON.parse(json)
  return { source, attributes: Object.freeze(attributes) }
}

/** The source by which the id of a message is claimed: all parts of the app share one. */
export const claimSource = ({ attributes, source }: Stored): string => (attributes === null ? '' : source)

/** The source that the kind of a message has. */
export const kindSource = ({ attributes, source }: Stored): string => (attributes === null ? source : '')
