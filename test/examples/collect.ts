// Finds what is public, and the examples of the doc comments; makes a program of each example.
import { globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../..', import.meta.url))
const read = (path: string) => readFileSync(join(root, path), 'utf8')

const barrels = {
  millrace: 'src/index.ts',
  'millrace/http': 'src/http/index.ts',
  'millrace/testing': 'src/testing/index.ts',
}
const prelude = 'test/examples/prelude.ts'

/** Interfaces whose methods each need an example. */
const interfaces = {
  millrace: [
    ...['App', 'Publishing', 'Running', 'AppTx', 'Tx', 'Sqlite', 'Processors', 'Desk', 'FlowDesk'],
    ...['Context', 'Log', 'FlowContext', 'To'],
  ],
  'millrace/http': [],
  'millrace/testing': [
    ...['Simulation', 'View', 'Client', 'Workload', 'Actions', 'Random'],
    ...['Given', 'Case', 'GivenDesk', 'RuleCase', 'GivenMediator', 'FlowCase'],
  ],
}

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
    } else if (member !== null && owner !== '') {
      // Of several signatures one has the comment.
      const name = `${owner}.${member[1]}`
      if (comment !== '' || !found.has(name)) found.set(name, comment)
    } else if (/^\S/.test(line) && !/^[})]/.test(line)) owner = ''
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

interface Export {
  readonly name: string
  readonly isType: boolean
  readonly file: string
}

/** Names that a barrel exports, each with whether it is a type, and its file. */
function exportsOf(barrel: string): Export[] {
  const lists = read(barrel).matchAll(/export (type )?\{([^}]*)\} from '([^']*)'/g)
  return [...lists].flatMap(([, type, names, path]) =>
    names!
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== '')
      .map((name) => ({
        name: name.replace(/^type /, ''),
        isType: type !== undefined || name.startsWith('type '),
        file: join(dirname(barrel), path!),
      })),
  )
}

const exported = Object.values(barrels).flatMap(exportsOf)

function sources(): { file: string; text: string }[] {
  return globSync('src/**/*.ts', { cwd: root })
    .filter((file) => !file.endsWith('.test.ts'))
    .sort()
    .map((file) => ({ file, text: read(file) }))
}

/** Every public function, and every method of the interfaces that people call. */
export function needed(): string[] {
  const functions = exported.flatMap(({ name, isType }) => (isType ? [] : [name]))
  const methods = Object.entries(interfaces).flatMap(([module, names]) =>
    names.flatMap((name) => {
      const file = exportsOf(barrels[module as keyof typeof barrels]).find((one) => one.name === name)?.file
      const members = file === undefined ? [] : methodsOf(read(file), name)
      if (members.length === 0) throw new Error(`${module} exports no interface ${name} with methods`)
      return members.map((member) => `${name}.${member}`)
    }),
  )
  return [...functions, ...methods, 'Refused.by']
}

/** The parameters and the type of the result of a signature that begins with a name. */
export function signatureOf(text: string): { parameters: string[]; result: string } {
  let at = 0
  /** Reads to the end of what the brackets here enclose; arrows have no bracket. */
  const enclosed = () => {
    const from = at + 1
    for (let depth = 0; at < text.length; at++) {
      if ('([{<'.includes(text[at]!)) depth++
      if (')]}'.includes(text[at]!) || (text[at] === '>' && text[at - 1] !== '=')) depth--
      if (depth === 0) break
    }
    return text.slice(from, at++)
  }
  while (!'<('.includes(text[at]!)) at++
  if (text[at] === '<') enclosed()
  let depth = 0
  const flat = [...enclosed().replaceAll('=>', '')].filter((char) => {
    if (')]}>'.includes(char)) depth--
    const isFlat = depth === 0
    if ('([{<'.includes(char)) depth++
    return isFlat && !'([{<'.includes(char)
  })
  const parameters = [...flat.join('').matchAll(/(?:^|,)\s*(?:\.\.\.)?(\w+)\s*\??\s*[:=]/g)].map(([, name]) => name!)
  return {
    parameters: parameters.filter((name) => name !== 'this'),
    result: /^: *([^\n]*)/.exec(text.slice(at))?.[1] ?? '',
  }
}

/** The functions and methods that people call whose comment lacks a parameter or the result. */
export function incomplete(): string[] {
  const missing: string[] = []
  const check = (name: string, file: string) => {
    const text = read(file)
    const comment = commentsOf(text).get(name)!
    const from = text.indexOf(comment) + comment.length
    const [, signature] = /\n(?: *\/\/[^\n]*\n)*(?:export )?(?:async )?(?:function )?([\s\S]*)/.exec(text.slice(from))!
    if (!/^ *(?:static )?\w+[<(]/.test(signature!)) return
    const { parameters, result } = signatureOf(signature!)
    // The values of a tagged template need no words of their own.
    const isTag = parameters[1] === 'values'
    for (const parameter of isTag ? [] : parameters) {
      if (!comment.includes(`@param ${parameter} `)) missing.push(`${file}: ${name}: @param ${parameter}`)
    }
    const isVoid = /^(?:void|Promise<void>)\s*\{?$/.test(result)
    if (!isVoid && !comment.includes('@returns')) missing.push(`${file}: ${name}: @returns`)
  }
  for (const { name, isType, file } of exported) {
    if (!isType) check(name, file)
    else if (Object.values(interfaces).flat().includes(name)) {
      for (const member of methodsOf(read(file), name)) check(`${name}.${member}`, file)
    }
  }
  return missing
}

/** Everything public that has no comment, by file. */
export function uncommented(): string[] {
  const comments = new Map([...new Set(exported.map(({ file }) => file))].map((file) => [file, commentsOf(read(file))]))
  return exported.flatMap(({ name, file }) => (comments.get(file)!.get(name) === '' ? [`${file}: ${name}`] : []))
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

export type Kind = 'handler' | 'flow' | 'route' | 'simulated' | 'workload' | 'program'

/**
 * The place of an example: the handler of a processor, the function of a mediator or of a route, a simulation, the
 * workload of one, or a program.
 */
export const kindOf = ({ of }: Example): Kind => {
  const [owner, member] = of.split('.')
  if (member === undefined) return 'program'
  return kinds[owner!] ?? 'program'
}

const kinds: Readonly<Record<string, Kind>> = {
  Context: 'handler',
  Log: 'handler',
  FlowContext: 'flow',
  To: 'route',
  Simulation: 'simulated',
  View: 'simulated',
  Client: 'workload',
  Workload: 'workload',
  Actions: 'workload',
  Random: 'workload',
}

const wrapped: Record<Kind, (code: string) => string> = {
  handler: (code) => `export const example = processor('example', {
  on: Orders, publishes: [OrderShipped], sends: [TakeStock, SendReminder],
  handle: { 'order.placed': async (message, { commit, publish, send, cancel, read, signal, idempotencyKey, attempt, now, log }) => {
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
  simulated: (code) => `export async function example(): Promise<unknown> {
  await using sim = simulation({ parts: [...declared, ...served, labels, delivery, fulfilment], setup: tables })
  {\n${code}\n}
  return undefined
}`,
  workload: (code) => `export async function example(): Promise<unknown> {
  return simulate({
    app: () => app({ name: 'shop', broker: sqlite({ file: 'shop.db' }), setup: tables, parts: [...declared, ...served, labels] }),
    seeds: 3,
    workload: (work, random) => {\n${code}\n},
    eventually: (view) => void view.trace(),
  })
}`,
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
