// Headers of requests, read.

/** Whether a media type names another encoding of text than UTF-8. */
export function otherCharset(header: string | null): string | undefined {
  const [, charset] = /;\s*charset\s*=\s*"?([^\s;"]+)/i.exec(header ?? '') ?? []
  return charset === undefined || /^(utf-?8|us-ascii)$/i.test(charset) ? undefined : charset
}

/** The preferences of a request (RFC 7240) by name; one without a value has an empty one. */
export function preferences(header: string | null): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  for (const one of (header ?? '').split(',')) {
    const [name = '', value = ''] = one.split(';', 1)[0]!.split('=', 2)
    const key = name.trim().toLowerCase()
    if (key !== '' && !found.has(key)) found.set(key, value.trim().replace(/^"(.*)"$/, '$1'))
  }
  return found
}

/** The key of a request that may be repeated: a text, with or without quotes. */
export function idempotencyKey(headers: Headers): string | undefined {
  const given = headers.get('idempotency-key')
  if (given === null) return undefined
  return /^"((?:[^"\\]|\\.)*)"$/.exec(given)?.[1]?.replace(/\\(.)/g, '$1') ?? given
}
