import { together } from './groups.ts'

await together('testing')
