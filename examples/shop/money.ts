/**
 * Exact money: a price is a decimal string as it stands in the file, an amount is a bigint of millionths of a pound.
 * Nothing here is ever a floating point number, and nothing is rounded before it is shown.
 *
 * One line may come to no more than `amountMax`, so that SQLite, which keeps integers of 64 bits, can hold the sum of
 * any nine million-million-pound lines; beyond that its `sum` fails instead of going on with a rounded value.
 */
export const decimalsMax = 6
const wholeDigitsMax = 12
const microsPerPound = 10n ** BigInt(decimalsMax)
const amountMax = 10n ** 12n * microsPerPound

/** What a price has to look like; also the check of the message schema. */
export const pricePattern = new RegExp(`^(-?)(\\d{1,${wholeDigitsMax}})(?:\\.(\\d{1,${decimalsMax}}))?$`)

/** A text that is no price, or an amount that is out of bounds; the message says what, and what is allowed. */
export class MoneyError extends Error {
  override name = 'MoneyError'
}

/** `'2.55'` → `2_550_000n`. Throws `MoneyError` for anything but digits, one point and a leading minus. */
export function parsePrice(text: string): bigint {
  const match = pricePattern.exec(text)
  if (!match) throw new MoneyError(whyNoPrice(text))
  const [, sign, whole = '', decimals = ''] = match
  const micros = BigInt(whole) * microsPerPound + BigInt(decimals.padEnd(decimalsMax, '0'))
  return sign ? -micros : micros
}

/** Quantity × price, exact. Throws `MoneyError` when the price is none or the amount is out of bounds. */
export function lineAmount(line: { quantity: number; unitPrice: string }): bigint {
  const amount = BigInt(line.quantity) * parsePrice(line.unitPrice)
  if (amount > amountMax || amount < -amountMax) {
    throw new MoneyError(`${line.quantity} × ${line.unitPrice} is over ${amountMax / microsPerPound} pounds`)
  }
  return amount
}

/** The sum of all lines, exact. */
export const totalAmount = (lines: readonly { quantity: number; unitPrice: string }[]): bigint =>
  lines.reduce((sum, line) => sum + lineAmount(line), 0n)

/**
 * With two decimals, rounded half up: a half goes away from zero, as in Java's and Python's `HALF_UP`, so that an
 * invoice and its cancellation are rounded alike. `2_345_000n` → `'2.35'`, `-2_345_000n` → `'-2.35'`, `-1n` → `'0.00'`.
 */
export function formatMoney(micros: bigint): string {
  const size = micros < 0n ? -micros : micros
  const pence = (size + 5_000n) / 10_000n
  const sign = micros < 0n && pence > 0n ? '-' : ''
  return `${sign}${pence / 100n}.${String(pence % 100n).padStart(2, '0')}`
}

function whyNoPrice(text: string): string {
  const [, whole = '', decimals = ''] = /^-?(\d+)(?:\.(\d+))?$/.exec(text) ?? []
  if (decimals.length > decimalsMax) return `${JSON.stringify(text)} has more than ${decimalsMax} decimals`
  if (whole.length > wholeDigitsMax)
    return `${JSON.stringify(text)} has more than ${wholeDigitsMax} digits before the point`
  return `${JSON.stringify(text)} is no decimal number such as 2.55`
}
