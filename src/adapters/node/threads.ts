/**
 * Where the code of threads is. The build puts the code itself here, as `data:` URLs: a bundle of an app carries it then,
 * wherever the bundle lies and whatever its format is.
 */
export const threads = {
  watchdog: new URL('./watchdog-thread.ts', import.meta.url),
}
