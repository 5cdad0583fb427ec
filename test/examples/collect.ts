// Finds what is public, and the examples of the doc comments; makes a program of each example.
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../..', import.meta.url))
const read = (path: string) => readFileSync(join(root, path), 'utf8')

const barrels = { millrace: 'src/index.ts', 'millrace/testing': 'src/testing/index.ts' }
const prelude = 'test/examples/prelude.ts'

/** Interfaces whose methods each need an example. */
const interfaces = ['App', 'AppTx', 'Tx', 'Processors', 'Desk', 'FlowDesk', 'Context', 'FlowContext', 'To']

export interface Example {
  /** `event`, `App.publish`. */
  readonly of: string
  readonly file: string
  readonly code: string
  /** Why it is compiled and not run, where that is so. */
  readonly onlyCompiled: string | undefined
}

/** The doc comments of a file by what they stand before: `name`, or `Owner.member`. */
export function commentsOf(text: string): Map<string, string> {
  const found = new Map<string, string>()
  let owner = ''
  let comment = ''
  const lines = text.split('\n')
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at]!
    if (/^ *\/\*\*/.test(line)) {
      comment = line
      while (!lines[at]!.includes('*/')) comment += `\n${lines[++at]}`
      continue
    }
    if (/^ *\/\//.test(line)) continue
    const top = line.match(/^export (?:async )?(?:function\*?|const|class|interface|type) (\w+)/)
    const member = line.match(/^ {2}(?:static |readonly |async )*(\w+)(?=[<(?:])/)
    if (top !== null) {
      owner = top[1]!
      found.set(owner, comment)
    } else if (member !== null && owner !== '') found.set(`${owner}.${member[1]}`, comment)
    else if (/^\S/.test(line) && !/^[})]/.test(line)) owner = ''
    comment = ''
  }
  return found
}

/** The methods of an interface, as they stand in a file: what is called, and what runs SQL as a tag. */
export function methodsOf(text: string, name: string): string[] {
  const [, body] = text.match(new RegExp(`^export interface ${name}\\b[^\\n]*\\{\\n([\\s\\S]*?)^\\}`, 'm')) ?? []
  const members = body?.matchAll(/^ {2}(?:readonly )?(\w+)(?:[<(]|: Query$)/gm) ?? []
  return [...new Set([...members].map(([, member]) => member!))]
}

/** Names that a barrel exports, each with whether it is a type. */
function exportsOf(barrel: string): { name: string; isType: boolean }[] {
  const lists = read(barrel).matchAll(/export (type )?\{([^}]*)\} from/g)
  return [...lists].flatMap(([, type, names]) =>
    names!
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== '')
      .map((name) => ({ name: name.replace(/^type /, ''), isType: type !== undefined || name.startsWith('type ') })),
  )
}

function sources(): { file: string; text: string }[] {
  return globSync('src/**/*.ts', { cwd: root })
    .filter((file) => !file.endsWith('.test.ts'))
    .sort()
    .map((file) => ({ file, text: read(file) }))
}

/** Every public function, and every method of the interfaces that people call. */
export function needed(): string[] {
  const all = sources()
  const functions = Object.values(barrels).flatMap((barrel) =>
    exportsOf(barrel).flatMap(({ name, isType }) => (isType ? [] : [name])),
  )
  const methods = interfaces.flatMap((name) => {
    const members = all.flatMap(({ text }) => methodsOf(text, name))
    if (members.length === 0) throw new Error(`no file of src declares interface ${name}`)
    return members.map((member) => `${name}.${member}`)
  })
  return [...functions, ...methods, 'Refused.by']
}

const example = /@example(?: only compiled: (.*))?\n((?:(?!\n *\* @)[\s\S])*?)```ts\n([\s\S]*?)```/g

/** Every example of the doc comments, in order of files. */
export function examples(): Example[] {
  return sources().flatMap(({ file, text }) =>
    [...commentsOf(text)].flatMap(([of, comment]) =>
      [...comment.matchAll(example)].map(([, onlyCompiled, , block]) => ({
        of,
        file,
        onlyCompiled,
        code: block!.replace(/^ *\* ?/gm, '').trim(),
      })),
    ),
  )
}

/** Where an example begins that has no block of code, which nothing would check. */
export function bareExamples(): string[] {
  return sources().flatMap(({ file, text }) =>
    [...commentsOf(text)].flatMap(([of, comment]) => {
      const tags = comment.split('@example').length - 1
      return tags === [...comment.matchAll(example)].length ? [] : [`${file}: ${of}`]
    }),
  )
}

export type Kind = 'handler' | 'flow' | 'route' | 'program'

/** What an example is a part of: the handler of a processor, the function of a mediator or of a route, or a program. */
export const kindOf = ({ of }: Example): Kind => {
  const [owner, member] = of.split('.')
  if (member === undefined) return 'program'
  return ({ Context: 'handler', FlowContext: 'flow', To: 'route' } as Record<string, Kind>)[owner!] ?? 'program'
}

const wrapped: Record<Kind, (code: string) => string> = {
  handler: (code) => `export const example = processor('example', {
  on: Orders, publishes: [OrderShipped], sends: [TakeStock, SendReminder],
  handle: { 'order.placed': async (message, { commit, publish, send, cancel, read, signal, idempotencyKey, now, log }) => {
    const order = message.data
    {\n${code}\n}
  } },
})`,
  flow: (code) => `export const example = mediator('example', {
  on: Orders, startedBy: OrderPlaced, sends: [TakeStock, GiveBackStock, ChargeCard, SendReminder], waits: [OrderPaid],
  publishes: [OrderShipped], starts: [delivery],
  run: async (message, flow) => {
    const order = message.data
    {\n${code}\n}
  },
})`,
  route: (code) => `export const example = route('example', {
  on: Orders, sends: [SendReminder], starts: [delivery],
  handle: { 'order.placed': async (message, to) => {
    const order = message.data
    {\n${code}\n}
  } },
})`,
  program: (code) =>
    `export async function example(shop: App): Promise<unknown> {\n{\n${code}\n}\n return undefined\n}`,
}

/** A program with the imports that an example needs. */
export function programOf(one: Example): string {
  const text = wrapped[kindOf(one)](one.code)
  const used = new Set(text.match(/[A-Za-z_]\w*/g))
  const own = read(prelude).matchAll(/^export (?:async )?(?:const|function) (\w+)/gm)
  const from = {
    ...Object.fromEntries(Object.entries(barrels).map(([module, barrel]) => [module, exportsOf(barrel)])),
    zod: [{ name: 'z', isType: false }],
    '../test/examples/prelude.ts': [...own].map(([, name]) => ({ name: name!, isType: false })),
  }
  const imports = Object.entries(from).flatMap(([module, names]) => {
    const taken = names.filter(({ name }) => used.has(name))
    if (taken.length === 0) return []
    return [
      `import { ${taken.map(({ name, isType }) => (isType ? `type ${name}` : name)).join(', ')} } from '${module}'`,
    ]
  })
  return `${imports.join('\n')}\n${text}\n`
}
