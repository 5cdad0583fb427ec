import { mix } from './random.ts'

/** What happened, line by line. Two runs of one seed have to give the same. */
export class Trace {
  readonly lines: string[] = []
  private digest = 0
  private readonly now: () => number

  private readonly hide: string

  /** `hide` is what differs from run to run though nothing does: the folder of the files. */
  constructor(now: () => number, hide: string) {
    this.now = now
    this.hide = hide
  }

  add(text: string): void {
    this.lines.push(`${(this.now() / 1_000).toFixed(6)} ${text.replaceAll(this.hide, '')}`)
  }

  /** What is too much for lines: only whether it is the same shows, in the line of the next commit. */
  blend(text: string): void {
    let { digest } = this
    for (let at = 0; at < text.length; at++) digest = (Math.imul(digest, 31) + text.charCodeAt(at)) | 0
    this.digest = mix(digest)
  }

  get fingerprint(): string {
    return (this.digest >>> 0).toString(16).padStart(8, '0')
  }
}
