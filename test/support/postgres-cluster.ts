// A server of one test, from the programs that the system has installed: to be killed, restarted, copied and dumped.
import { execFile, execFileSync } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { installed } from './postgres.ts'
import { freePort, serverUser } from './postgres-parts.ts'

/** The options of a test that needs the programs beside the server (`pg_dump`, `pg_basebackup`): in CI it fails instead. */
export const needsInstalled: { readonly skip: string | false } = {
  skip:
    process.env['MILLRACE_CI'] === undefined && installed() === undefined
      ? 'no PostgreSQL in /usr/lib/postgresql: install Debian’s postgresql'
      : false,
}

const options = [
  'fsync=off',
  'listen_addresses=127.0.0.1',
  'unix_socket_directories=',
  'wal_level=replica',
  'shared_buffers=32MB',
  'max_wal_size=64MB',
]
const password = 'cluster'

export interface ClusterOptions {
  /** The data are on a file system of this size of their own, megabytes; only root can make one. */
  readonly diskMb?: number | undefined
}

export class Cluster implements AsyncDisposable {
  readonly folder: string
  readonly data: string
  readonly port: number
  private readonly bin: string
  private isMounted = false

  private constructor(folder: string, bin: string, port: number) {
    this.folder = folder
    this.data = join(folder, 'data')
    this.bin = bin
    this.port = port
  }

  /** A new one that runs. */
  static async start({ diskMb }: ClusterOptions = {}): Promise<Cluster> {
    const cluster = await Cluster.empty(diskMb)
    const secrets = join(cluster.folder, 'password')
    writeFileSync(secrets, password, { mode: 0o644 })
    const args = ['-D', cluster.data, '-U', 'millrace', '-E', 'UTF8', '--locale=C', '-A', 'scram-sha-256', '--no-sync']
    await cluster.run('initdb', [...args, `--pwfile=${secrets}`, '--wal-segsize=1'])
    await cluster.begin()
    return cluster
  }

  private static async empty(diskMb?: number): Promise<Cluster> {
    const found = installed()
    if (found === undefined) throw new Error('no PostgreSQL in /usr/lib/postgresql: install Debian’s postgresql')
    const folder = mkdtempSync(join(tmpdir(), 'millrace-cluster-'))
    const cluster = new Cluster(folder, found.bin, await freePort())
    chmodSync(folder, 0o711)
    mkdirSync(cluster.data, { mode: 0o700 })
    if (diskMb !== undefined) {
      execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${diskMb}m`, 'tmpfs', cluster.data])
      cluster.isMounted = true
    }
    const { uid, gid } = serverUser()
    if (uid !== undefined) for (const path of [folder, cluster.data]) chownSync(path, uid, gid!)
    chmodSync(cluster.data, 0o700)
    return cluster
  }

  get url(): string {
    return `postgres://millrace:${password}@127.0.0.1:${this.port}/postgres`
  }

  /** Starts it; resolves when it takes connections. */
  async begin(): Promise<void> {
    const args = [...options, `port=${this.port}`].map((one) => `-c ${one}`).join(' ')
    await this.run('pg_ctl', ['-D', this.data, '-w', '-s', '-l', join(this.folder, 'log'), '-o', args, 'start'])
  }

  async stop(how: 'fast' | 'immediate'): Promise<void> {
    await this.run('pg_ctl', ['-D', this.data, '-w', '-s', '-m', how, 'stop'])
  }

  /** A replica that follows it, and runs. */
  async replica(): Promise<Cluster> {
    const replica = await Cluster.empty()
    await this.run('pg_basebackup', ['-d', this.url, '-D', replica.data, '-R', '-X', 'stream', '-c', 'fast'])
    await replica.begin()
    return replica
  }

  /** A replica takes writes from now on. */
  async promote(): Promise<void> {
    await this.run('pg_ctl', ['-D', this.data, '-w', '-s', 'promote'])
  }

  /** Runs a program of PostgreSQL; resolves with what it says. */
  async run(program: string, args: readonly string[]): Promise<string> {
    const env = { ...process.env, LC_ALL: 'C', TZ: 'UTC', PGPASSWORD: password }
    const as = { ...serverUser(), cwd: '/', env, encoding: 'utf8' as const, maxBuffer: 64 << 20 }
    return (await promisify(execFile)(join(this.bin, program), args, as)).stdout
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop('immediate').catch(() => {})
    if (this.isMounted) execFileSync('umount', ['-l', this.data])
    rmSync(this.folder, { recursive: true, force: true })
  }
}
