import { userInfo } from 'node:os'

/** The name of the user whose process this is, as the audit log has it. */
export function userName(): string {
  try {
    return userInfo().username
  } catch {
    // The operating system knows this user only by number.
    return `user ${process.getuid?.() ?? 'unknown'}`
  }
}
