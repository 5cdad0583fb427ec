/** Counters of the filter: at a million contexts beyond the bound, one look-up in 200 is in vain. */
const slots = 1 << 24
const hashes = 3
const most = 255

/**
 * The contexts whose lanes wait at the desk for a decision: up to `max` of them by name, the rest in a counting filter. The
 * filter may say `maybe` of a context that does not wait; it never says `no` of one that does.
 */
export class HeldContexts {
  private readonly max: number
  private readonly names = new Set<string>()
  private filter: Uint8Array | undefined
  private filtered = 0

  constructor(max: number) {
    this.max = max
  }

  has(context: string): 'yes' | 'no' | 'maybe' {
    if (this.names.has(context)) return 'yes'
    if (this.filter === undefined) return 'no'
    for (let n = 0; n < hashes; n++) if (this.filter[slot(context, n)] === 0) return 'no'
    return 'maybe'
  }

  add(context: string): void {
    if (this.names.size < this.max) {
      this.names.add(context)
      return
    }
    this.filter ??= new Uint8Array(slots)
    this.filtered++
    for (let n = 0; n < hashes; n++) {
      const at = slot(context, n)
      if (this.filter[at]! < most) this.filter[at]!++
    }
  }

  /** Removes a context that was added. */
  delete(context: string): void {
    if (this.names.delete(context) || this.filter === undefined) return
    if (--this.filtered === 0) {
      this.filter = undefined
      return
    }
    for (let n = 0; n < hashes; n++) {
      const at = slot(context, n)
      // A full counter has lost count: it stays, so that `no` is never wrong.
      if (this.filter[at]! < most) this.filter[at]!--
    }
  }
}

/** FNV-1a with another seed for each hash, and a final mix. */
function slot(text: string, n: number): number {
  let hash = 0x811c9dc5 ^ (n * 0x9e3779b1)
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  return (hash ^ (hash >>> 13)) & (slots - 1)
}
