// An app with every kind of part as a file, for `millrace processors`. Its own file is never used: every test names one.
import { kinds } from './support/kinds.ts'

export default kinds('./kinds.db')
