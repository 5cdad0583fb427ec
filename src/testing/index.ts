// The exports of `millrace/testing`: simulation of an app as a whole, tests of single parts, conformance of adapters.

import '../adapters/node/version.ts'

export type { AttemptOptions, Circumstances, WhenOptions } from './circumstances.ts'
export { type BrokerCase, brokerCases, type TestBrokerOptions, testBroker } from './conformance/index.ts'
export type { Case, Comparing, Expected } from './expected.ts'
export type { ExpectedFlow, FlowOutcome } from './expected-flow.ts'
export type { FaultCounts, FaultKind, Faults } from './faults.ts'
export { type Given, given } from './given.ts'
export type { FlowCase, GivenMediator } from './given-flow.ts'
export type { FailedWith, GivenDesk, RuleCase } from './given-rule.ts'
export type { GivenType } from './given-type.ts'
export type { Answered, Arrived, Network } from './machine/network.ts'
export { type NextOptions, nextOf, type QuietOptions, quiet } from './quiet.ts'
export type { Random } from './random.ts'
export type { Check, CheckView } from './run.ts'
export {
  type Pin,
  type Scenario,
  type SimulateOptions,
  type SimulationFailure,
  type SimulationReport,
  simulate,
} from './simulate.ts'
export { type Simulation, type SimulationOptions, simulation } from './simulation.ts'
export type { Asked, Outcome } from './trial.ts'
export type { View } from './view.ts'
export type { AcceptedMessage, Actions, Client, Workload, WorkOptions } from './workload.ts'
