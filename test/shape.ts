// The shape of a source file as the guards of `layers.test.ts` count it.
import { stripTypeScriptTypes } from 'node:module'
import { type Node, parse } from 'acorn'

export interface Shape {
  readonly lines: number
  readonly classes: readonly {
    readonly name: string
    /** Methods, getters, setters and functions kept in fields; no constructor. */
    readonly methods: number
    /** Fields that hold no function. */
    readonly fields: number
  }[]
  readonly functions: readonly {
    /** `Class.method`, or the name of the function. */
    readonly name: string
    readonly positional: number
    /** Positional parameters that are a plain boolean. */
    readonly booleans: readonly string[]
  }[]
}

type Tree = Node & { readonly [key: string]: unknown }

/** Counts what a file declares. Types are blanked, so each place in the tree is the place in the text. */
export function shapeOf(text: string): Shape {
  const classes: Shape['classes'][number][] = []
  const functions: Shape['functions'][number][] = []
  const visit = (node: Tree, name: string, owner: string): void => {
    if (node.type === 'ClassDeclaration' || node.type === 'ClassExpression') {
      const own = nameOf(node['id']) ?? name
      classes.push({ name: own, ...membersOf((node['body'] as Tree)['body'] as Tree[]) })
      visitAll(node, own, `${own}.`)
      return
    }
    if (isFunction(node)) {
      const params = node['params'] as Tree[]
      functions.push({ name, positional: params.length, booleans: booleansOf(params, text) })
    }
    visitAll(node, name, owner)
  }
  const visitAll = (node: Tree, name: string, owner: string): void => {
    for (const [key, child] of Object.entries(node)) {
      for (const each of Array.isArray(child) ? child : [child]) {
        if (!isNode(each)) continue
        const named = nameOf(each['key']) ?? nameOf(each['id'])
        const called = named === undefined ? name : isMember(each) ? `${owner}${named}` : named
        if (key !== 'superClass') visit(each, called, isFunction(each) ? '' : owner)
      }
    }
  }
  const stripped = stripTypeScriptTypes(text, { mode: 'strip' })
  visit(parse(stripped, { ecmaVersion: 'latest', sourceType: 'module' }) as unknown as Tree, 'module', '')
  return { lines: text.split('\n').length - 1, classes, functions }
}

function membersOf(members: readonly Tree[]): { methods: number; fields: number } {
  const isMethod = (member: Tree) =>
    member.type === 'MethodDefinition' || (isNode(member['value']) && isFunction(member['value']))
  const methods = members.filter((member) => isMethod(member) && member['kind'] !== 'constructor').length
  return { methods, fields: members.filter((member) => isMember(member) && !isMethod(member)).length }
}

/** `name: boolean`, `name = false`: the reader of a call cannot tell what a plain true is for. */
function booleansOf(params: readonly Tree[], text: string): string[] {
  return params.flatMap((param, place) => {
    const end = params[place + 1]?.start ?? text.length
    const after = text.slice(param.start, end)
    const found = /^(\w+)(?:\??:\s*boolean\s*(?:[,)=]|$)|\s*=\s*(?:true|false)\b)/.exec(after)
    return found === null ? [] : [found[1]!]
  })
}

const isNode = (value: unknown): value is Tree => typeof (value as Tree | null)?.type === 'string'
const isMember = ({ type }: Tree) => type === 'MethodDefinition' || type === 'PropertyDefinition'
const isFunction = ({ type }: Tree) =>
  type === 'FunctionDeclaration' || type === 'FunctionExpression' || type === 'ArrowFunctionExpression'

function nameOf(value: unknown): string | undefined {
  if (!isNode(value)) return undefined
  return (value['name'] ?? value['value']) as string | undefined
}
