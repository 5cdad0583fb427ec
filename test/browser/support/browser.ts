// Chromium for the tests of the dashboard: one process for each test file, a context of its own for each person.
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { after } from 'node:test'
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Locator,
  type Page,
} from 'playwright-core'

const places = [process.env['CHROMIUM'], '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

let launched: Promise<Browser> | undefined

export function browser(): Promise<Browser> {
  launched ??= launch()
  return launched
}

function launch(): Promise<Browser> {
  const executablePath = places.find((path) => path !== undefined && existsSync(path))
  assert(executablePath !== undefined, 'no Chromium is found: install the package chromium, or name it by CHROMIUM')
  return chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-dev-shm-usage'] })
}

after(async () => (await launched)?.close())

/** What a page must not have: errors, and requests that fail which the test did not ask for. */
export interface Person {
  readonly context: BrowserContext
  readonly page: Page
  readonly complaints: string[]
}

/** A browser of a person, who opens an address. What is to run in the page before its own code: `first`. */
export async function opened(
  address: string,
  options: BrowserContextOptions = {},
  first?: () => void,
): Promise<Person> {
  const context = await (await browser()).newContext({ viewport: { width: 1280, height: 800 }, ...options })
  after(() => context.close())
  if (first !== undefined) await context.addInitScript(first)
  const page = await context.newPage()
  page.setDefaultTimeout(60_000)
  const complaints: string[] = []
  page.on('console', (message) => {
    // What was repaired a moment ago has left its line, and is not found there: no error of the page.
    const isGone = /status of 404/.test(message.text())
    if (!isGone && (message.type() === 'error' || message.type() === 'warning')) complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(String(error)))
  await page.goto(address)
  return { context, page, complaints }
}

/** Goes to an address of the dashboard as a link of it does: the document is not loaded anew. */
export async function goTo(page: Page, address: string): Promise<void> {
  const to = JSON.stringify(address)
  await page.evaluate(`history.pushState(null, '', ${to}); dispatchEvent(new PopStateEvent('popstate'))`)
}

/** The text that is seen of what a locator finds. */
export async function seen(where: Locator): Promise<string> {
  return (await where.allInnerTexts()).join('\n')
}

const axe = createRequire(import.meta.url).resolve('axe-core')

/** The serious findings of axe on what a page shows. It is run beside the page, since the page takes no foreign script. */
export async function seriousFindings(page: Page): Promise<string[]> {
  const { readFileSync } = await import('node:fs')
  const session = await page.context().newCDPSession(page)
  const world = await session.send('Page.createIsolatedWorld', { frameId: await mainFrame(page), worldName: 'axe' })
  const { executionContextId: contextId } = world
  await session.send('Runtime.evaluate', { expression: readFileSync(axe, 'utf8'), contextId })
  const { result } = await session.send('Runtime.evaluate', {
    expression: `axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) => JSON.stringify(violations))`,
    contextId,
    awaitPromise: true,
    returnByValue: true,
  })
  await session.detach()
  const violations = JSON.parse(result.value) as {
    readonly id: string
    readonly impact: string
    readonly nodes: readonly { readonly html: string }[]
  }[]
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 200)).join(' | ')}`)
}

async function mainFrame(page: Page): Promise<string> {
  const session = await page.context().newCDPSession(page)
  const { frameTree } = await session.send('Page.getFrameTree')
  await session.detach()
  return frameTree.frame.id
}
