// Imported before a program: an SDK of OpenTelemetry is there for as long as the process lives.
import { sdk } from './sdk.ts'

sdk({ after: () => {} })
