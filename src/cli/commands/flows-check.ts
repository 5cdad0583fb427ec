// Checks before a deployment that pending flows can continue with the code of an app file.
import { type CheckedFlow, checkFlows } from '../../index.ts'
import { type Call, locate, takeWords } from '../call.ts'
import { UsageError } from '../output.ts'
import { count, facts, safe } from '../print.ts'

/** Replays the journals of flows against the code; exit status 1 when one does not fit. */
export async function flowsCheck(call: Call, { all = false }: { readonly all?: boolean | undefined }): Promise<number> {
  takeWords(call, [], 0)
  const { appFile, out } = call
  if (appFile === undefined) throw new UsageError('name the app file (app.ts): the command checks its code')
  const { app, broker } = await locate(call)
  const found = { fits: 0, differs: 0, unknown: 0 }
  for await (const checked of checkFlows(app!, { broker, all })) {
    found[checked.result]++
    if (checked.result !== 'differs') continue
    if (out.json) await out.object(misfitObject(checked))
    else await out.lines(misfitLines(checked, out.columns))
  }
  if (out.json) await out.object(found)
  else out.line(summary(found, { all }))
  return found.differs === 0 ? 0 : 1
}

function misfitObject({ result: _, misfit, ...flow }: CheckedFlow) {
  return { ...flow, ...misfit }
}

function misfitLines({ flow, mediator, version, context, state, misfit }: CheckedFlow, columns: number): string[] {
  const { journal, code, after, message } = misfit!
  const of = `of mediator ${mediator}${version === 1 ? '' : ` version ${version}`}`
  const where = `flow ${flow} ${of}, ${state}${context === null ? '' : `, context ${context}`}`
  const pairs: [string, string | undefined][] =
    journal === null
      ? [['why', message]]
      : [
          ['journal', journal],
          ['code', code ?? undefined],
          ['after', after.length === 0 ? 'its beginning' : after.join(', ')],
        ]
  return [`${safe(where)}: does not fit`, ...facts(pairs, columns)]
}

function summary(
  { fits, differs, unknown }: Record<CheckedFlow['result'], number>,
  { all }: { readonly all: boolean },
): string {
  const checked = fits + differs
  const more = unknown === 0 ? '' : `; for ${unknown} that have ended the app has no code`
  if (checked === 0) return `${all ? 'no flow is kept' : 'no flow is pending'}${more}`
  if (differs === 0) return `${count(checked, 'flow fits', 'flows fit')}${more}`
  return `${differs} of ${count(checked, 'flow')} ${differs === 1 ? 'does' : 'do'} not fit${more}`
}
