// The list of places where data of messages lie: an app that has the same word in all its data leaves it there, and in no
// other column; and each column of each table is in the list, or holds no text of users.
import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { app, channel, command, event, gather, mediator, processor, Refused, sqlite, topic } from 'millrace'
import { z } from 'zod'
import { dataPlaces } from '../src/adapters/sqlite/data-places.ts'
import { takeIn } from '../src/operate/edge.ts'
import { stoppedDesk } from '../src/operate/stopped.ts'
import { place, rows, until } from './support.ts'

/** Has neither digits nor quotes, which the groups of failures leave out. */
const word = 'canaryfeather'
const data = { text: word }
const schema = z.object({ text: z.string() })
const context = ({ text }: { text: string }) => text
const Said = event('said', { schema, context })
const Told = event('told', { schema, context })
const Done = event('done', { schema, context })
const Ask = command('ask', { schema, context, reply: schema, refusal: schema })
const Wait = command('wait', { schema, context, reply: schema })
const Words = topic('words', [Said])
const Tales = topic('tales', [Told, Done])
const Asks = channel('asks', [Ask])
const Waits = channel('waits', [Wait])

function talk(file: string) {
  const relay = processor('relay', {
    on: Words,
    publishes: [Told],
    handle: {
      said: (message, { publish }) => {
        publish(Told, message.data, { id: `told ${message.id}` })
        publish(Told, message.data, { id: `later ${message.id}`, delayMs: 86_400_000 })
      },
    },
  })
  const failing = processor('failing', {
    on: Tales,
    retry: { attempts: 2, firstDelayMs: 1, maxDelayMs: 1 },
    handle: {
      told: ({ data: { text } }) => {
        throw Object.assign(new Error(`no ${text}`), { data: { text } })
      },
    },
  })
  const answers = processor('answers', {
    on: Asks,
    handle: {
      ask: ({ data, id }) => {
        if (id.includes('refuse')) throw new Refused(`not ${data.text}`, data)
        return data
      },
    },
  })
  const waits = processor('waits', { on: Waits, handle: { wait: ({ data }) => data } })
  const batches = gather('batches', {
    on: Words,
    of: [Said],
    publishes: Done,
    count: 1_000,
    afterMs: 86_400_000,
    data: (elements) => elements[0]!,
  })
  const asks = mediator('asks-people', {
    on: Words,
    startedBy: Said,
    sends: [Ask],
    waits: [Told],
    oncePer: ({ text }) => text,
    run: async ({ data: { text } }, flow) => {
      await flow.call(`ask ${text}`, Ask, { text })
      await flow.ask(`person ${text}`, { title: `Is it ${text}?`, to: `who knows ${text}`, schema })
    },
  })
  const ends = mediator('ends', { on: Words, startedBy: Said, run: async ({ data: { text } }) => ({ text }) })
  const throws = mediator('throws', {
    on: Words,
    startedBy: Said,
    run: async ({ data: { text } }) => {
      throw new Error(`no ${text}`)
    },
  })
  const parts = [relay, failing, answers, waits, batches, asks, ends, throws]
  return app({ name: 'talk', broker: sqlite({ file }), log: () => {}, parts })
}

async function leaveWords(t: TestContext, file: string): Promise<void> {
  const one = talk(file)
  t.after(() => one.stop({ graceMs: 0 }))
  await one.start()
  const by = { by: `ann ${word}`, reason: `for ${word}` }
  await one.publish(Said, data, { id: word })
  const from = { source: `//${word}.example`, id: `elsewhere ${word}`, attributes: { subject: word } }
  await takeIn(one, Told, { text: `other ${word}` }, from)
  await one.request(Ask, data, { id: `ask ${word}` })
  await one.request(Ask, data, { id: `refuse ${word}` }).catch(() => {})
  const held = async () => (await one.desk.list({ states: ['held'] })).length
  await until('both are held', async () => (await held()) === 2)
  await until('a person is asked', async () => (await one.flows.questions()).length === 1)
  const [first] = await one.desk.list({ states: ['held'] })
  await one.desk.resubmit(first!.id, first!.data, by)
  await one.desk.snooze((await one.desk.groups())[0]!.id!, { until: Date.now() + 60_000, orCount: 99, ...by })
  await until('it is held again', async () => (await held()) === 2)
  await one.processors.pause('waits', by)
  await one.tokens.make(`token ${word}`, { grants: ['reader'], ...by })
  const waiting = one.request(Wait, data, { id: `wait ${word}` }).catch(() => {})
  await until('it waits', async () => (await one.requestStatus(`wait ${word}`)) !== undefined)
  await one.cancel(Wait, `wait ${word}`)
  await waiting
  const change = [{ op: 'test', path: `/${word}`, value: word }] as const
  const changed = await one.desk.select('resubmit', { processor: 'failing' }, { name: word, change, ...by })
  await until('no message fits', async () => (await one.desk.refused(changed.id)).length === changed.total)
  await one.desk.claim(first!.id, { forMs: 60_000, ...by })
  const { id } = await one.desk.select('release', { processor: 'failing' }, { name: `all ${word}`, ...by })
  await until('both are held again', async () => (await one.desk.outcome(id)).held === 2)
  await one.stop()
  const desk = stoppedDesk(one.broker.offline!, { correct: (message) => message, now: () => 0 })
  await desk.resubmit(first!.id, first!.data, by)
}

const listed = dataPlaces.map(({ table, column }) => `${table}.${column}`)
const tableOf = (name: string) => name.replace(/^millrace_log_\d+$/, 'millrace_log_N')
const columnsOf = (file: string) =>
  rows<{ table: string; column: string; type: string }>(
    file,
    `select t.name as "table", c.name as "column", c.type as type from sqlite_schema t join pragma_table_info(t.name) c
     where t.type = 'table' and t.name glob 'millrace_*'`,
  )

test('the word of all data lies in the places of the list, and nowhere else', async (t) => {
  const file = place(t)
  await leaveWords(t, file)
  const found = new Set<string>()
  for (const { table, column } of columnsOf(file)) {
    const sql = `select 1 from ${table} where instr(cast("${column}" as text), ?) limit 1`
    if (rows(file, sql, word).length > 0) found.add(`${tableOf(table)}.${column}`)
  }
  assert.deepEqual(
    [...found].filter((one) => !listed.includes(one)),
    [],
    'found and not in the list',
  )
  const missing = listed.filter((one) => !found.has(one))
  assert.deepEqual(missing, notLeft, 'in the list, and where no app leaves data')
})

/** Places where no app can leave data yet: messages from elsewhere are not delayed. */
const notLeft = ['millrace_timers.attributes']

/** Columns of texts that come from the code of the app, or from the engine alone. */
const plain = {
  'names of parts, types, topics and steps': `desk.processor desk_groups.processor progress.processor marks.processor
    paused.processor desk_groups.type kinds.type ids.type gathered.type requests.type mail.type kinds.source
    flows.mediator mail.mediator questions.mediator gathers.gather gathered.gather gathers.condition
    alerts.watch alerts.alert alerts.data schedules.schedule slots.schedule schedules.cron schedules.time_zone streams.kind streams.name`,
  'states and actions':
    'desk.state requests.state flows.state operations.state operations.action audit.action journal.kind',
  'ids and facts that the engine makes': `log_N.trace timers.trace desk.trace gathers.timer meta.key meta.value
    progress.done flows.mail_after tokens.hash tokens.grants`,
}

test('each column of text, of each table, is in the list or has texts of the code and the engine alone', async (t) => {
  const file = place(t)
  await leaveWords(t, file)
  const columns = columnsOf(file).flatMap(({ table, column, type }) => {
    return type === 'INTEGER' ? [] : `${tableOf(table)}.${column}`
  })
  const others = Object.values(plain).flatMap((names) => names.split(/\s+/).map((name) => `millrace_${name}`))
  const known = [...listed, ...others]
  const unknown = [...new Set(columns)].filter((one) => !known.includes(one))
  assert.deepEqual(unknown, [], 'a new column: does it hold data of messages? Name it in data-places.ts, or here')
  const stale = known.filter((one) => !columns.includes(one))
  assert.deepEqual(stale, [], 'named, and no column')
  assert.equal(new Set(known).size, known.length, 'each is named once')
})
