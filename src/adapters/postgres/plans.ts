// How the server plans statements. Ours are few, and each look-up has its index: one plan for all values is right, and to plan
// the largest anew takes longer than to run it. What users write is planned as their database does it.

const ours = { plan_cache_mode: 'force_generic_plan', enable_seqscan: 'off', jit: 'off' }
const set = (how: string, to: (value: string) => string) =>
  Object.entries(ours)
    .map(([name, value]) => `set ${how} ${name} ${to(value)}`)
    .join('; ')

/** Said once on a connection. */
export const planOurs = set('session', (value) => `= ${value}`)
/** Said in a transaction before statements of users, and before ours again. */
export const planUsers = set('local', () => 'to default')
export const planOursAgain = set('local', (value) => `= ${value}`)
