// Where a message comes from that another system has made.
import { type Attributes, badAttributes, checkAttributes, isText } from './attributes.ts'
import { checkOptions } from './options.ts'
import { checkId } from './publish.ts'
import { traceparentPattern } from './trace.ts'

/** The origin of a message that another system has made. Its identity is `source` and `id` together. */
export interface Elsewhere {
  /** Its source there, 1 to 1,024 characters: a URI reference. */
  readonly source: string
  /** Its id there, as the `id` of publishing. */
  readonly id: string
  /** Where it belongs in a trace, as of W3C Trace Context. */
  readonly traceparent?: string | undefined
  /**
   * Its other attributes, kept and given out again as they are: `subject`, `tracestate`, its own `time` and `dataschema`,
   * a `datacontenttype` that is not JSON, extensions. At most 8 KiB as JSON. Default: none.
   */
  readonly attributes?: Attributes | undefined
}

const sourceCharsMax = 1_024

/**
 * Checks an origin and gives a frozen copy of it.
 *
 * @throws `millrace/unknown-option`, `millrace/bad-id`, `millrace/bad-attributes`
 */
export function checkElsewhere(where: string, from: Elsewhere): CheckedElsewhere {
  checkOptions(where, from, ['source', 'id', 'traceparent', 'attributes'])
  const { source, id, traceparent, attributes = {} } = from
  checkId(id)
  if (!isText(source) || source.length === 0 || source.length > sourceCharsMax) {
    throw badAttributes(where, `source must be a well-formed string of 1 to ${sourceCharsMax} characters`)
  }
  if (traceparent !== undefined && !(isText(traceparent) && traceparentPattern.test(traceparent))) {
    throw badAttributes(where, 'traceparent must be as in W3C Trace Context')
  }
  return Object.freeze({ source, id, traceparent, attributes: checkAttributes(where, attributes) })
}

export interface CheckedElsewhere extends Elsewhere {
  readonly attributes: Attributes
}
