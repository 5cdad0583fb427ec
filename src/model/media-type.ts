// Media types, and what data of one are: JSON, a text, or bytes.

/** `Application/JSON; charset=utf-8` is `application/json`. */
export function mediaType(header: string | null): string {
  return (header ?? '').split(';', 1)[0]!.trim().toLowerCase()
}

/** Whether data of a media type are JSON; those without one are. */
export function isJson(contentType: string | undefined): boolean {
  if (contentType === undefined || contentType === 'application/json') return true
  return /^[^/]+\/(?:[^/;]+\+)?json$/.test(mediaType(contentType))
}

/** Whether data of a media type are text. */
export function isText(contentType: string | undefined): boolean {
  return contentType !== undefined && /^(?:text\/|[^/]+\/(?:[^/]+\+)?(?:xml|yaml)$)/.test(mediaType(contentType))
}
