/**
 * Words a command of Millrace as it can be typed. In a project it is found by `npx` only, which also finds one that is
 * installed for all projects.
 */
export function commandLine(words?: string): string {
  return words === undefined ? 'npx millrace' : `npx millrace ${words}`
}
