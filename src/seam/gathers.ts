// What gathers have collected and not made an event of yet.

/** Where elements are gathered: the elements of one context of one gather; an empty context for those without. */
export interface GatherPlace {
  readonly gather: string
  readonly context: string
}

/** What is known of a batch that is not full yet. */
export interface GatherGroup {
  readonly count: number
  readonly bytes: number
  /** Whether its condition may fire. */
  readonly armed: boolean
  /** The condition that this was said of; null where there is none, or where it was written before that was kept. */
  readonly condition: string | null
  /** The id of the command that ends its time; null where none is sent. */
  readonly timer: string | null
}

export interface GatheredElement {
  readonly type: string
  readonly version: number
  readonly json: string
}

/** What gathers have not made an event of yet; part of the transaction in which it is used. */
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
