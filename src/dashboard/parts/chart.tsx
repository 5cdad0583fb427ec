// A line over the last hour: a picture, and the same in words, for everybody and for who cannot see it.
import { now } from '../live.ts'
import { type Line, pathsOf, toldOf, topOf } from '../pure/chart.ts'
import { clock } from './when.tsx'

const hourMs = 3_600_000

interface ChartProps {
  readonly title: string
  readonly line: Line
  /** A value in words. */
  readonly says: (value: number) => string
}

export function Chart({ title, line, says }: ChartProps) {
  const told = toldOf(line)
  if (told === undefined) {
    return (
      <figure class="chart">
        <figcaption>
          <strong>{title}</strong> <span class="muted">nothing yet</span>
        </figcaption>
      </figure>
    )
  }
  const most = topOf(told.most)
  const to = Math.max(now.value, line.at.at(-1)!)
  const newest = told.now === undefined ? '–' : says(told.now)
  return (
    <figure class="chart">
      <figcaption>
        <strong>{title}</strong> <span class="number">{newest}</span>{' '}
        <span class="muted">
          at most {says(told.most)}, at {clock(told.mostAt)}
        </span>
      </figcaption>
      <div class="plot">
        <span class="muted top">{says(most)}</span>
        <svg viewBox="0 0 1000 100" preserveAspectRatio="none" aria-hidden="true">
          <path class="grid" d="M0 0H1000M0 50H1000M0 100H1000" />
          {pathsOf(line, { from: to - hourMs, to, most }).map((path) => (
            <path key={path} class="line" d={path} />
          ))}
        </svg>
      </div>
      <p class="ends muted" aria-hidden="true">
        <span>an hour ago</span>
        <span>now</span>
      </p>
    </figure>
  )
}

/** A line as small as a word. */
export function Spark({ line, label }: { readonly line: Line; readonly label: string }) {
  const told = toldOf(line)
  if (told === undefined) return <span class="muted">–</span>
  const to = Math.max(now.value, line.at.at(-1)!)
  return (
    <svg class="spark" viewBox="0 -4 1000 108" preserveAspectRatio="none" role="img" aria-label={label}>
      {pathsOf(line, { from: to - hourMs, to, most: topOf(told.most) }).map((path) => (
        <path key={path} class="line" d={path} />
      ))}
    </svg>
  )
}
