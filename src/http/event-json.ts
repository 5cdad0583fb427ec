// A message of the app as an event in the JSON format of CloudEvents. What another system has said of its event stays as it
// was; the data are copied as they are stored, so that numbers keep all their digits.
import type { Stored } from '../model/codec.ts'
import { isJson, isText } from './media.ts'

/** `json`: the data, which may have been masked. */
export function eventJson(message: Stored, json: string): string {
  const { id, source, type, version, time, context, correlationId, causationId, traceparent } = message
  const own = message.attributes === null
  const attributes = {
    specversion: '1.0',
    id,
    source,
    type,
    time: new Date(time).toISOString(),
    ...(own || json !== 'null' ? { datacontenttype: 'application/json' } : {}),
    ...(own ? { dataschema: `urn:millrace:${type}:${version}` } : {}),
    ...(context === null ? {} : { partitionkey: context }),
    ...(correlationId === id ? {} : { correlationid: correlationId }),
    ...(causationId === null ? {} : { causationid: causationId }),
    ...(traceparent === null ? {} : { traceparent }),
    ...message.attributes,
  }
  const head = JSON.stringify(attributes).slice(0, -1)
  if (own) return `${head},"data":${json}}`
  // An event that came without data has none.
  if (json === 'null') return `${head}}`
  const contentType = message.attributes?.['datacontenttype'] as string | undefined
  const isBytes = contentType !== undefined && !isJson(contentType) && !isText(contentType) && json.startsWith('"')
  return `${head},"${isBytes ? 'data_base64' : 'data'}":${json}}`
}
