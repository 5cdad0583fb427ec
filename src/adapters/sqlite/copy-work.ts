import type { AppState } from '../../seam/offline.ts'

/** The copy that a thread makes. */
export interface CopyWork {
  readonly file: string
  readonly to: string
  /** Whether an app has the file. */
  readonly app: AppState
  /** The mark of the copy: `alone`: it may lack messages; `accepted`: a person takes it as it is; `none`: of no app. */
  readonly mark: 'as it is' | 'alone' | 'accepted' | 'none'
}
