import type { Destination } from '../model/message.ts'
import type { DeskPart } from './desk.ts'
import type { Gather } from './gather.ts'
import type { Hook } from './hook.ts'
import type { AnyMediator } from './mediator.ts'
import type { Processor } from './processor.ts'
import type { Route } from './route.ts'
import type { Schedule } from './schedule.ts'

/** A part of an app. */
export type Part = Destination | Processor | AnyMediator | Route | Gather | Schedule | DeskPart | Hook
