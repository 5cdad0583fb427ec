/**
 * The places of the code of threads. The build puts the code itself here, as `data:` URLs, so that a bundle of an app
 * of any format carries it to any place.
 */
export const threads = {
  watchdog: new URL('./watchdog-thread.ts', import.meta.url),
}
