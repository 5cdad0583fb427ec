import { asyncApiOf } from '../../describe/asyncapi.ts'
import { type Call, takeWords } from '../call.ts'
import { loadApp } from '../load.ts'
import { UsageError } from '../output.ts'

/** Prints the AsyncAPI document of an app; what it cannot describe is said on standard error. */
export async function asyncapi(call: Call): Promise<number> {
  takeWords(call, [], 0)
  const { appFile, out } = call
  if (appFile === undefined) throw new UsageError('name the app file (app.ts)')
  const { document, warnings } = asyncApiOf(await loadApp(appFile))
  for (const warning of warnings) out.note(warning)
  await out.lines(JSON.stringify(document, null, out.json ? 0 : 2).split('\n'))
  return 0
}
