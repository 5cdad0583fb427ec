/** The flow that has sent a command, by its id: `flow/12/3`. */
export function flowOf(id: string): number | undefined {
  const [, flow] = /^flow\/(\d{1,15})\//.exec(id) ?? []
  return flow === undefined ? undefined : Number(flow)
}
