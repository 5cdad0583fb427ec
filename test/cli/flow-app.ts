// The app of the tests of `millrace flows` as a file: what its code is, the environment says.
import { type Code, flowMill } from './support/flow-mill.ts'

export default flowMill('flows.db', { charging: false, returning: false }, process.env['FLOW_CODE'] as Code)
