// Tokens, and refused requests as lines of the audit log.
import type { Actor, Audit } from '../../model/desk.ts'
import type { AccessStore, TokenKept } from '../../seam/access.ts'
import { record } from './audit.ts'
import type { Beside, Statements } from './statements.ts'

const addText = `insert into millrace.tokens (name, hash, grants, at, who, expires_at) values ($1, $2, $3, $4, $5, $6)
  on conflict (name) do nothing`
const tokensText = `select name, hash, grants, at as "createdAt", who as "by", expires_at as "expiresAt"
  from millrace.tokens order by name`

export class AccessTable implements AccessStore {
  private readonly beside: Beside

  constructor(beside: Beside) {
    this.beside = beside
  }

  refused(lines: readonly Audit[]): Promise<void> {
    return this.beside.write(async (db) => {
      await Promise.all(lines.map((line) => record(db, line)))
    })
  }

  tokens(): Promise<TokenKept[]> {
    return this.beside.read(tokensIn)
  }

  addToken({ name, hash, grants, createdAt: at, by, expiresAt }: TokenKept, reason?: string): Promise<boolean> {
    return this.beside.write(async (db) => {
      if ((await db.run(addText, [name, hash, JSON.stringify(grants), at, by, expiresAt])) === 0) return false
      const line = { at, by, action: 'made', item: null, reason: reason ?? null } as const
      await record(db, { ...line, subject: `token ${name}`, detail: { grants, expiresAt } })
      return true
    })
  }

  revokeToken(name: string, { by, reason }: Actor, at: number): Promise<boolean> {
    return this.beside.write(async (db) => {
      if ((await db.run('delete from millrace.tokens where name = $1', [name])) === 0) return false
      const line = { at, by, action: 'revoked', item: null, reason: reason ?? null } as const
      await record(db, { ...line, subject: `token ${name}`, detail: undefined })
      return true
    })
  }
}

export async function tokensIn(db: Statements): Promise<TokenKept[]> {
  type Row = Omit<TokenKept, 'grants'> & { readonly grants: string }
  return (await db.all<Row>(tokensText)).map((row) => ({ ...row, grants: JSON.parse(row.grants) }))
}
