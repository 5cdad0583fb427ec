import { mix } from './random.ts'

/** The trace of a run, line by line. Two runs of one seed must produce the same trace. */
export class Trace {
  readonly lines: string[] = []
  private digest = 0
  private readonly now: () => number

  private readonly hide: string

  /** `hide` is the folder of the files: it differs from run to run without meaning. */
  constructor(now: () => number, hide: string) {
    this.now = now
    this.hide = hide
  }

  add(text: string): void {
    this.lines.push(`${(this.now() / 1_000).toFixed(6)} ${text.replaceAll(this.hide, '')}`)
  }

  /** Mixes a text into a digest in the line of the next commit, for text too long for lines. */
  blend(text: string): void {
    let { digest } = this
    for (let at = 0; at < text.length; at++) digest = (Math.imul(digest, 31) + text.charCodeAt(at)) | 0
    this.digest = mix(digest)
  }

  get fingerprint(): string {
    return (this.digest >>> 0).toString(16).padStart(8, '0')
  }
}
