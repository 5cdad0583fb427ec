import './adapters/node/version.ts'

export type { Logger } from './adapters/node/app-log.ts'
export { jsonLog } from './adapters/node/json-log.ts'
export type { SqliteClient, SqliteColumn, SqliteStatement } from './adapters/sqlite/client-shape.ts'
export { type Sqlite, type SqliteOptions, sqlite } from './adapters/sqlite/index.ts'
export { type App, app } from './app/app.ts'
export type { AppTx } from './app/app-tx.ts'
export { type CheckFlowsOptions, checkFlows } from './app/check-flows.ts'
export type { AppOptions, StartOptions, StopOptions } from './app/options.ts'
export type { Publishing, PublishingIn } from './app/publishing.ts'
export type { RequestOptions, RequestStatus } from './app/requests.ts'
export type { Running, RunOptions, RunState } from './app/run.ts'
export type { Accepting } from './app/tails.ts'
export type { Exchange } from './engine/consumer/exchanges.ts'
export type { FailedAttempt, RetryPolicy } from './engine/consumer/retry.ts'
export type { CheckedFlow, FlowMisfit } from './engine/flow/check.ts'
export type { StepResult } from './engine/flow/host.ts'
export type { AskOptions, CallOptions, CallRetry, RaceOptions } from './engine/flow/options.ts'
export type { Asks } from './http/access/asks.ts'
export type { ServeOptions, Serving } from './http/serving.ts'
export type { AlertKind, AlertRaised, Finding } from './model/alerts.ts'
export type { AttemptEnd } from './model/attempt-end.ts'
export type { ChangeList, DataChange } from './model/change.ts'
export type { Claim } from './model/claims.ts'
export type { Stored } from './model/codec.ts'
export {
  type Actor,
  type AuditRow,
  type Decision,
  type DeskAction,
  type DeskEntry,
  type DeskState,
  type Discard,
  discard,
  type Hold,
  hold,
  type Resubmit,
  type Retry,
  resubmit,
  retry,
  type Try,
} from './model/desk.ts'
export type { DeskTrial, TrialMessage, TrialStatement } from './model/desk-trials.ts'
export type {
  AuditFilter,
  Cause,
  DecisionOrTakeBack,
  DeskAtProcessors,
  DeskCounts,
  DeskFilter,
  DeskGroup,
  DeskItem,
  DeskRow,
  GroupBy,
  GroupFilter,
  KeptGroup,
  KeptItem,
  KeptRow,
  LineFilter,
  NewOperation,
  Note,
  Operation,
  OperationFilter,
  OperationOutcome,
  OperationRun,
  Paused,
  PendingAction,
  Preview,
  PreviewPage,
  RefusedItem,
  Selection,
  Snooze,
  Told,
} from './model/desk-views.ts'
export {
  type ErrorCode,
  type ErrorRecord,
  errors,
  isMillraceError,
  type LostPart,
  MillraceError,
} from './model/errors.ts'
export {
  type FailedMessage,
  failures,
  type ProcessingFailed,
  type ProcessingResolved,
} from './model/failures.ts'
export type { FlowState, JournalEntry, Outcome } from './model/flow.ts'
export type { FlowCount, FlowFilter, FlowRow, Question, QuestionFilter } from './model/flow-views.ts'
export type { Help } from './model/help.ts'
export type { JsonSchema } from './model/json-schema.ts'
export type { LogFilter, LogPlace, LogRow } from './model/log-views.ts'
export {
  type Channel,
  type Command,
  type CommandOptions,
  channel,
  command,
  type DataFor,
  type DataOf,
  type Destination,
  type DestinationOptions,
  type Event,
  type EventOptions,
  event,
  type Message,
  type MessageType,
  type RefusalOf,
  type ReplyOf,
  type Retain,
  type Topic,
  topic,
  type Upcasts,
} from './model/message.ts'
export type {
  MessageFilter,
  MessageItem,
  MessageOutcome,
  MessagePage,
  MessageRow,
  MessagesFound,
  StoryOptions,
  StoryPage,
} from './model/message-views.ts'
export {
  type Counts,
  type Histogram,
  histogramBoundsMs,
  type Metrics,
  type PartMetrics,
  type PartName,
} from './model/metrics.ts'
export type { Misfit } from './model/misfits.ts'
export type { OperationState } from './model/operation-states.ts'
export { type Bound, defaults, type Limit } from './model/options.ts'
export type { Grant, Permission, Role, Who } from './model/permissions.ts'
export type { Accepted, PublishEntry, PublishOptions } from './model/publish.ts'
export type { Joined, PublishInOptions, RanRows, RunStatement } from './model/publish-in.ts'
export type {
  ActOnRecord,
  FailedTry,
  HandledBy,
  Receipt,
  Receipts,
  RequestOnRecord,
  SentMessage,
} from './model/receipts.ts'
export { Refused } from './model/refused.ts'
export type { Repair } from './model/repairs.ts'
export type { Explanation, RequestState } from './model/requests.ts'
export type { AnySchema, Schema } from './model/schema.ts'
export { type Fragment, type List, list, sql } from './model/sql.ts'
export type { StartAt } from './model/streams.ts'
export type { Delay } from './model/time.ts'
export type { DelayedFilter, DelayedPage, DelayedRow, ScheduleItem } from './model/time-views.ts'
export type { Query, Tx } from './model/tx.ts'
export type { Value } from './model/value.ts'
export type { Backup } from './operate/backups.ts'
export type { Desk } from './operate/desk.ts'
export type { ClaimOptions, DeskClaims, SnoozeOptions } from './operate/desk-claims.ts'
export type { DeskCheck, DeskEdit, DeskEdits, DeskForm } from './operate/desk-edits.ts'
export type { DeskOperations, OperationOptions } from './operate/desk-operations.ts'
export type { DeskTest, DeskTrials, TestOptions, TryOptions } from './operate/desk-trials.ts'
export type { AnswerForm, FlowDesk, FlowItem, FlowStep } from './operate/flows.ts'
export type { Messages } from './operate/messages.ts'
export type {
  Endpoint,
  ProcessorRow,
  Processors,
  RetireOptions,
  SeriesFilter,
  SetOptions,
} from './operate/processors.ts'
export type { ResetOptions, ResetPlan } from './operate/reset-plan.ts'
export type { Schedules } from './operate/schedules.ts'
export type { PartSeries, Series } from './operate/series.ts'
export type { MadeToken, NewToken, TokenItem, Tokens } from './operate/tokens.ts'
export { type DeskOptions, type DeskPart, desk, type Failure, type Rule } from './parts/desk.ts'
export { type Gather, type GatherOptions, gather, type When } from './parts/gather.ts'
export {
  type AnyMediator,
  type FlowContext,
  type Mediator,
  type MediatorOptions,
  mediator,
  type ResultOf,
  type StartedBy,
  type SubflowOptions,
} from './parts/mediator.ts'
export type { Part } from './parts/part.ts'
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
export { type Route, type RouteOptions, route, type To } from './parts/route.ts'
export { type Schedule, type ScheduleOptions, type Slot, schedule } from './parts/schedule.ts'
export type { DeskReads, ItemLimits } from './seam/desk-reads.ts'
export type { FlowReads, FlowSlice, WholeFlow } from './seam/flow-reads.ts'

export type {
  KnownNames,
  MessageReads,
  MessageSlice,
  SliceAsk,
  SliceFilter,
  SpanFilter,
  StreamSpan,
} from './seam/message-reads.ts'

export type {
  AppState,
  Measure,
  Offline,
  OfflineReader,
  OfflineWriter,
  Restored,
  StoreCopies,
  StoreFacts,
  StoreOwner,
} from './seam/offline.ts'

export type { OperationReads } from './seam/operations.ts'

export type { Broker } from './seam/store.ts'
