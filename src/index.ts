export { type SqliteOptions, sqlite } from './adapters/sqlite/index.ts'
export {
  type Accepting,
  type App,
  type AppOptions,
  type AppTx,
  app,
  type Desk,
  type ProcessorRow,
  type Processors,
  type PublishOptions,
  type StartOptions,
  type StopOptions,
} from './app.ts'
export type { Accepted } from './engine/committer.ts'
export type { Stored } from './model/codec.ts'
export {
  type ErrorCode,
  type ErrorRecord,
  errors,
  isMillraceError,
  MillraceError,
} from './model/errors.ts'
export {
  type Channel,
  type Command,
  type CommandOptions,
  channel,
  command,
  type DataFor,
  type DataOf,
  type Event,
  type EventOptions,
  event,
  type Message,
  type MessageType,
  type RefusalOf,
  type ReplyOf,
  type Retain,
  type Source,
  type SourceOptions,
  type Topic,
  topic,
  type Upcasts,
} from './model/message.ts'
export { type Bound, defaults, type Limit } from './model/options.ts'
export { Refused } from './model/refused.ts'
export type { AnySchema, Schema } from './model/schema.ts'
export type { Query, Tx, Value } from './model/tx.ts'
export {
  type Committed,
  type Context,
  type Handler,
  type Handlers,
  type Log,
  type Processor,
  type ProcessorOptions,
  processor,
} from './parts/processor.ts'
export type { Part } from './parts/wiring.ts'
export type { FileFacts, FileOwner, FileReader, FileWriter, LogFilter, LogRow, StoreFile } from './seam/file.ts'
export type { Broker, DeskFilter, DeskRow, DeskState, StartAt } from './seam/store.ts'
