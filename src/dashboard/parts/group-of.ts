// The group of a held message: the address of a page may name it; else it is found among those of its processor and type.
import { type ReadonlySignal, useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import type { DeskGroup, DeskRow } from '../../model/desk-views.ts'
import { problemOf, read } from '../client.ts'
import { type Loaded, useRead } from '../data.ts'
import { may } from '../session.ts'

const groupsMax = 10_000
const lookedMax = 10

export interface GroupOf {
  /** The group, where many of it can be repaired at once; undefined until it is known. */
  readonly group: DeskGroup | undefined
  /** The look that fails, where one does; else the last one. */
  readonly look: ReadonlySignal<Loaded<unknown>>
}

/** @param named the number of the group, where the address has it; 0 where it has none */
export function useGroup({ id, processor, message, state }: DeskRow, named: number): GroupOf {
  const groups = useRead({ path: '/api/desk/groups', query: { limit: groupsMax }, when: may('repair-many') })
  const again = () => void look()
  const known = named === 0 ? undefined : named
  const found = useSignal<Loaded<number>>({ value: known, at: Date.now(), problem: undefined, again })
  const isAlike = (one: DeskGroup) => one.processor === processor && one.type === message.type && one.held > 1
  const all = groups.value.value
  const ids = (all?.filter(isAlike) ?? []).map((one) => one.id).slice(0, lookedMax)
  const look = async () => {
    try {
      for (const group of ids) {
        if (group === null) continue
        const { items } = await read('/api/desk', {}, { group, states: ['held'], after: id - 1, limit: 1 })
        if (items[0]?.id !== id) continue
        found.value = { value: group, at: Date.now(), problem: undefined, again }
        return
      }
      found.value = { ...found.peek(), problem: undefined }
    } catch (error) {
      const problem = problemOf(error)
      found.value = { ...found.peek(), problem, again }
    }
  }
  useEffect(() => {
    if (named === 0 && state === 'held') void look()
  }, [ids.join(' ')])
  const group = all?.find((one) => one.id === found.value.value)
  return { group, look: groups.value.problem === undefined ? found : groups }
}
