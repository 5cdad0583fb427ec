/** The code of Millrace itself. */
const own = ['..', '../../bin'].map((folder) => new URL(`${folder}/`, import.meta.url).pathname)

/**
 * The path and the line in the user's code that a stack names: of wrong syntax, else of the nearest call. Code of
 * packages is not the user's.
 */
export function placeIn(stack: string): string | undefined {
  const [first = '', ...calls] = stack.split('\n')
  if (/^(file:\/\/)?\/.*:\d+$/.test(first)) return pathOf(first)
  const places = calls.map((call) => /file:\/\/[^\s)]+:\d+(?=:\d+)/.exec(call)?.[0])
  return places.flatMap((place) => (place === undefined ? [] : [pathOf(place)])).find(isOfUser)
}

/** Whether a file is the user's own, not one of a package or of Millrace. */
export function isOfUser(path: string): boolean {
  return !path.includes('/node_modules/') && !own.some((folder) => path.startsWith(folder))
}

function pathOf(place: string): string {
  return place.startsWith('file:') ? decodeURI(place.slice('file://'.length)) : place
}
