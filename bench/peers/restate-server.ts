import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { freePort } from './port.ts'

/** Where a Restate server takes calls and registrations. */
export interface RestateAddress {
  ingress: string
  admin: string
}

/** A Restate server of our own. */
export interface RestateServer extends RestateAddress {
  stop: () => Promise<void>
}

export const host = '127.0.0.1'
const readyMs = 60_000
const pollMs = 50

/** The server of this platform, which the package `@restatedev/restate-server` brings as an optional one, or null. */
export function findRestate(): string | null {
  const name = `@restatedev/restate-server-${process.platform}-${process.arch}`
  const file = fileURLToPath(new URL(`node_modules/${name}/bin/restate-server`, import.meta.url))
  return existsSync(file) ? file : null
}

/**
 * Starts one node with all roles on free ports of this machine alone, its files in `folder`. What is said about the log
 * are its defaults, written down so that they stay what the bench says: it is written to RocksDB, whose own log is
 * synced for each batch before the batch counts as written. The state of its partitions is not synced, since it is made
 * anew from the log.
 */
export async function startRestate(program: string, folder: string): Promise<RestateServer> {
  const [ingress, admin, node] = [await freePort(), await freePort(), await freePort()]
  const settings = join(folder, 'restate.toml')
  writeFileSync(
    settings,
    `
node-name = "bench"
cluster-name = "bench"
base-dir = ${JSON.stringify(folder)}
listen-mode = "tcp"
bind-address = "${host}:${node}"
advertised-address = "http://${host}:${node}/"
# Each partition has a log of its own; one was up to twice as fast as the default of 24 on two cores.
default-num-partitions = 1
disable-telemetry = true
log-filter = "error"

[ingress]
bind-address = "${host}:${ingress}"
advertised-address = "http://${host}:${ingress}/"

[admin]
bind-address = "${host}:${admin}"
advertised-address = "http://${host}:${admin}/"
disable-web-ui = true

[bifrost]
default-provider = "replicated"

[log-server]
rocksdb-disable-wal-fsync = false

[worker.invoker]
# A flow that waits for a step is an invocation too: at 1,000 flows the default of 1,000 would leave none for steps.
concurrent-invocations-limit = 10000
`,
  )
  const server = spawn(program, ['--config-file', settings, '--no-logo'], {
    cwd: folder,
    stdio: 'ignore',
    env: { PATH: process.env['PATH'], DO_NOT_TRACK: '1' },
  })
  const kill = () => server.kill('SIGKILL')
  process.once('exit', kill)
  const exited = once(server, 'exit')
  const stop = async () => {
    server.kill('SIGKILL')
    await exited
    process.off('exit', kill)
  }
  const address: RestateAddress = { ingress: `http://${host}:${ingress}`, admin: `http://${host}:${admin}` }
  try {
    await Promise.race([
      ready(address),
      exited.then(([code]) => {
        throw new Error(`restate-server ended with exit code ${code} when it was started`)
      }),
    ])
  } catch (error) {
    await stop()
    throw error
  }
  return { ...address, stop }
}

async function ready({ ingress, admin }: RestateAddress): Promise<void> {
  const untilMs = performance.now() + readyMs
  for (const url of [`${admin}/health`, `${ingress}/restate/health`]) {
    while (!(await isOk(url))) {
      if (performance.now() > untilMs) throw new Error(`restate-server was not ready within ${readyMs} ms`)
      await sleep(pollMs)
    }
  }
}

function isOk(url: string): Promise<boolean> {
  return fetch(url, { signal: AbortSignal.timeout(1_000) }).then(
    ({ ok }) => ok,
    () => false,
  )
}
