import type { Publishes } from '../operate/publish.ts'

/** An app, as an HTTP edge serves it: every app that {@link app} makes is one. */
export interface Served extends Publishes {
  health(): { readonly status: 'green' | 'red'; readonly reasons: readonly string[] }
}
