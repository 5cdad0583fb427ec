// The values of options, as people read them.
import { span } from './words.ts'

const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB']

/** "512 bytes", "8 MiB", "1.5 GiB". */
export function bytesText(bytes: number): string {
  let value = bytes
  let unit = 0
  for (; value >= 1_024 && unit < units.length - 1; unit++) value /= 1_024
  return `${(value < 10 ? Math.round(value * 10) / 10 : Math.round(value)).toLocaleString('en')} ${units[unit]}`
}

/** A value, with the unit that the name of its option ends with. */
export function optionText(name: string, value: number): string {
  if (/Ms$/.test(name)) return value < 1_000 ? `${value} ms` : span(value)
  return /Bytes(Max)?$/.test(name) ? bytesText(value) : value.toLocaleString('en')
}
