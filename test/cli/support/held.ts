import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { App } from 'millrace'
import { mill, Placed } from './mill.ts'
import { folder } from './millrace.ts'

export interface HeldMill {
  readonly app: App
  readonly file: string
  /** What is to exist for the orders to be handled. */
  readonly mended: string
}

/** Two lanes that are held, the first with one message in line behind it. */
export async function heldMill(t: TestContext): Promise<HeldMill> {
  const place = folder(t)
  const file = join(place, 'mill.db')
  const mended = join(place, 'mended')
  const app = mill(file)
  await app.start()
  t.after(() => app.stop())
  for (const orderId of ['a', 'b', 'a']) {
    await app.publish(Placed, { orderId, fail: mended })
    await app.idle()
  }
  return { app, file, mended }
}

/** The same, stopped. */
export async function stoppedMill(t: TestContext): Promise<HeldMill> {
  const held = await heldMill(t)
  await held.app.stop()
  return held
}
