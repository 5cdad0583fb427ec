// Texts as RFC 3339 and RFC 3986 have them.

const timePattern =
  /^(\d{4})-(\d\d)-(\d\d)[Tt](?:[01]\d|2[0-3]):[0-5]\d:(?:[0-5]\d|60)(?:\.\d+)?(?:[Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/

/** A time of RFC 3339, on a day that there is. */
export function isTime(text: string): boolean {
  const [, year, month, day] = timePattern.exec(text) ?? []
  if (year === undefined) return false
  const at = new Date(0)
  at.setUTCFullYear(Number(year), Number(month) - 1, Number(day))
  return at.getUTCMonth() === Number(month) - 1 && at.getUTCDate() === Number(day)
}

/** Characters of URIs; each percent with its two digits. */
const uriPattern = /^(?:[\w.~:/?#[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+$/

export function isUriReference(text: string): boolean {
  if (!uriPattern.test(text) || text.indexOf('#') !== text.lastIndexOf('#')) return false
  // The first segment of a relative reference has no colon: it would be a scheme.
  const [head] = text.split(/[/?#]/, 1)
  return !head!.includes(':') || /^[A-Za-z][A-Za-z0-9+.-]*:/.test(head!)
}

export const isUri = (text: string): boolean => /^[A-Za-z][A-Za-z0-9+.-]*:./.test(text) && isUriReference(text)
