import { mill } from './support/mill.ts'

/** Its own file is never used: every test names one. */
export default mill('./mill.db')
