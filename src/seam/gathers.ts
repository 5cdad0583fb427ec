// Open batches of gathers: elements that have not become an event yet.

/** Where elements are gathered: the elements of one context of one gather; an empty context for those without. */
export interface GatherPlace {
  readonly gather: string
  readonly context: string
}

/** The state of a batch that is not full yet. */
export interface GatherGroup {
  readonly count: number
  readonly bytes: number
  /** Whether its condition may fire. */
  readonly armed: boolean
  /** The condition to which `armed` belongs; null where there is none, or in a row of before this was kept. */
  readonly condition: string | null
  /** The id of the command that ends its time; null where none is sent. */
  readonly timer: string | null
}

export interface GatheredElement {
  readonly type: string
  readonly version: number
  readonly json: string
}

/** Open batches of gathers, as part of the transaction in which they are used. */
export interface GatherTables {
  group(place: GatherPlace): Promise<GatherGroup | undefined>
  /** Undefined removes its row. */
  save(place: GatherPlace, group: GatherGroup | undefined): Promise<void>
  add(place: GatherPlace, element: GatheredElement): Promise<void>
  /** All elements of a place, in the order in which they were added. */
  elements(place: GatherPlace): Promise<GatheredElement[]>
  keepNewest(place: GatherPlace, keep: number): Promise<void>
  clear(place: GatherPlace): Promise<void>
  /** Takes back a delayed message where it is still pending. */
  cancel(type: string, id: string): Promise<void>
}
