import type { Figures, Task } from './task.ts'

/** Runs one task in this process. Only what the task needs is loaded, so that start times are its own. */
export async function perform(task: Task, folder: string): Promise<Figures> {
  switch (task.by) {
    case 'raw':
      return (await import('./raw.ts')).rawRate(task, folder)
    case 'plainjob':
      return (await import('./peers/plainjob.ts')).plainjobRate(task, folder)
    case 'bullmq':
      return (await import('./peers/bullmq.ts')).bullmqRate(task)
    case 'millrace':
      return (await import('./millrace.ts')).millraceRate(task, folder)
    case 'latency':
      return (await import('./millrace.ts')).millraceLatency(task, folder)
    case 'hold':
      return (await import('./desk.ts')).millraceHold(task, folder)
    case 'desk':
      return (await import('./desk.ts')).millraceDesk(task, folder)
    case 'drain':
      return (await import('./desk.ts')).millraceDrain(task, folder)
    case 'fill':
      return (await import('./millrace.ts')).millraceFill(task, folder)
    case 'strand':
      return (await import('./millrace.ts')).millraceStrand(task, folder)
    case 'timers':
      return (await import('./millrace.ts')).millraceTimers(task, folder)
    case 'flow':
      return (await import('./flows.ts')).millraceFlows(task, folder)
    case 'restate':
      return (await import('./peers/restate.ts')).restateFlows(task, folder)
    case 'openworkflow':
      return (await import('./peers/openworkflow.ts')).openworkflowFlows(task, folder)
    case 'chain':
      return (await import('./flows.ts')).millraceChain(task, folder)
    case 'request':
      return (await import('./flows.ts')).millraceRequests(task, folder)
    case 'route':
      return (await import('./flows.ts')).millraceRoute(task, folder)
    case 'flows.wait':
      return (await import('./flows.ts')).millraceWaiting(task, folder)
    case 'flows.strand':
      return (await import('./flows.ts')).millraceStrandFlows(task, folder)
    case 'flows.recover':
      return (await import('./flows.ts')).millraceRecover(task, folder)
    case 'flow.long':
      return (await import('./flows.ts')).millraceLong(task, folder)
    case 'publish.many':
      return (await import('./millrace.ts')).millracePublishMany(task, folder)
    case 'deliver':
      return (await import('./deliver.ts')).millraceDeliver(task, folder)
    case 'edge.events':
      return (await import('./edge.ts')).edgeEvents(task, folder)
    case 'edge.requests':
      return (await import('./edge.ts')).edgeRequests(task, folder)
    case 'edge.listeners':
      return (await import('./edge.ts')).edgeListeners(task, folder)
    case 'cpu':
      return (await import('./cpu.ts')).millraceCpu(task, folder)
    case 'deploy':
      return (await import('./deploy.ts')).millraceDeploy(folder)
    case 'postgres':
      return (await import('./postgres.ts')).postgresRate(task)
    case 'postgres.raw':
      return (await import('./postgres-raw.ts')).postgresRawRate(task)
    case 'postgres.flow':
      return (await import('./postgres.ts')).postgresFlows(task)
    case 'postgres.latency':
      return (await import('./postgres.ts')).postgresLatency(task)
    case 'postgres.shared':
      return (await import('./postgres.ts')).postgresShared(task)
    case 'postgres.idle':
      return (await import('./postgres.ts')).postgresIdle(task)
    case 'pg-boss':
      return (await import('./peers/pg-boss.ts')).pgBossRate(task)
    case 'graphile-worker':
      return (await import('./peers/graphile-worker.ts')).graphileWorkerRate(task)
    case 'dbos':
      return (await import('./peers/dbos.ts')).dbosFlows(task)
    case 'restart':
      return (await import('./millrace.ts')).millraceRestart(folder)
  }
}
