// Tokens, and refused requests as lines of the audit log.
import type { Actor, Audit } from '../../model/desk.ts'
import type { AccessStore, TokenKept } from '../../seam/access.ts'
import type { AuditLog } from './audit.ts'
import { type Beside, writeDurably } from './beside-commits.ts'
import type { Statements } from './statements.ts'

export class AccessTable implements AccessStore {
  private readonly sql: Statements
  private readonly audit: Pick<AuditLog, 'record'>
  private readonly beside: Beside

  constructor(sql: Statements, audit: Pick<AuditLog, 'record'>, beside: Beside) {
    this.sql = sql
    this.audit = audit
    this.beside = beside
  }

  refused(lines: readonly Audit[]): Promise<void> {
    return writeDurably(this.beside, () => {
      for (const line of lines) this.audit.record(line)
    })
  }

  tokens(): Promise<TokenKept[]> {
    return this.beside.durable(() => tokensIn(this.sql))
  }

  addToken({ name, hash, grants, createdAt: at, by, expiresAt }: TokenKept, reason?: string): Promise<boolean> {
    return writeDurably(this.beside, () => {
      const sql = `insert into millrace_tokens (name, hash, grants, at, who, expires_at) values (?, ?, ?, ?, ?, ?)
        on conflict (name) do nothing`
      if (this.sql.run(sql, name, hash, JSON.stringify(grants), at, by, expiresAt) === 0) return false
      const line = { at, by, action: 'made', item: null, reason: reason ?? null } as const
      this.audit.record({ ...line, subject: `token ${name}`, detail: { grants, expiresAt } })
      return true
    })
  }

  revokeToken(name: string, { by, reason }: Actor, at: number): Promise<boolean> {
    return writeDurably(this.beside, () => {
      if (this.sql.run('delete from millrace_tokens where name = ?', name) === 0) return false
      const line = { at, by, action: 'revoked', item: null, reason: reason ?? null } as const
      this.audit.record({ ...line, subject: `token ${name}`, detail: undefined })
      return true
    })
  }
}

export function tokensIn(sql: Statements): TokenKept[] {
  const columns = 'name, hash, grants, at as createdAt, who as "by", expires_at as expiresAt'
  type Row = Omit<TokenKept, 'grants'> & { readonly grants: string }
  const rows = sql.all<Row>(`select ${columns} from millrace_tokens order by name`)
  return rows.map((row) => ({ ...row, grants: JSON.parse(row.grants) }))
}
