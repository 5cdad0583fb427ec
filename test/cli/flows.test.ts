import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import test from 'node:test'
import { fileURLToPath } from 'node:url'
import { Paid, runningMill } from './support/flow-mill.ts'
import { type Done, linesOf, millrace, millraces, objectsOf } from './support/millrace.ts'

/** The app of these tests as a file. */
const appFile = fileURLToPath(new URL('flow-app.ts', import.meta.url))

const flows = (file: string, ...args: string[]) => millrace(['flows', ...args, '--db', file])
/** Several, in one process. */
function each<const C extends readonly (readonly string[])[]>(file: string, ...commands: C) {
  const full = commands.map((args) => ['flows', ...args, '--db', file])
  return millraces(full) as Promise<{ -readonly [N in keyof C]: Done }>
}
const listed = async (file: string, ...args: string[]) => objectsOf((await flows(file, 'list', '--json', ...args)).out)

function fits80(text: string): void {
  for (const line of linesOf(text)) assert.ok([...line].length <= 80, line)
}

test('lists flows, filters and pages them, the same from a running app and from a stopped file', async (t) => {
  const { app, file, place } = await runningMill(t)
  await place('asks', 'waits', 'sleeps', 'refused', 'waits')
  await app.publish(Paid, { order: 'o-5' })
  await app.idle()
  const filters = [
    [],
    ['--state', 'all'],
    ['--state', 'completed,compensated'],
    ['--step', 'paid'],
    ['--context', 'o-3', '--mediator', 'fulfilment', '--limit', '1', '--after', '2'],
    ['--older-than', '1h'],
    ['--older-than', '0.001s'],
  ]
  const lists = await each(file, ...filters.map((filter) => ['list', '--json', ...filter]))
  const [running = [], ...found] = lists.map(({ out }) => objectsOf(out))
  assert.deepEqual(
    running.map(({ startedAt: _, messageId: _id, correlationId: _flow, ...row }) => row),
    [1, 2, 3].map((id) => {
      const about = { id, mediator: 'fulfilment', version: 1, state: 'running', context: `o-${id}` }
      return { ...about, error: null, endedAt: null }
    }),
  )
  assert.deepEqual(
    found.map((rows) => rows.map(({ id }) => id)),
    [[1, 2, 3, 4, 5], [4, 5], [2], [3], [], [1, 2, 3]],
  )
  await app.stop()
  const before = [readdirSync(dirname(file)), readFileSync(file)]
  assert.deepEqual(await listed(file), running)
  assert.deepEqual([readdirSync(dirname(file)), readFileSync(file)], before)
})

test('shows a flow with its steps, the wait of each and the reason of its failure, in 80 columns', async (t) => {
  const { file, trouble, place } = await runningMill(t)
  trouble.returning = true
  await place('asks', 'fails', 'refused', 'sleeps')
  const [asks, fails, refused, sleeps, table, json, none] = await each(
    file,
    ['show', '1'],
    ['show', '2'],
    ['show', '3'],
    ['show', '4'],
    [],
    ['show', '2', '--json'],
    ['show', '9'],
  )
  for (const { out, status } of [asks, fails, refused, sleeps, table]) {
    assert.equal(status, 0)
    fits80(out)
  }
  assert.match(
    asks.out,
    /^flow 1 of mediator fulfilment: running\n {2}context {2}o-1\n {2}started {2}\S+Z \(\d+ s ago\)\n/,
  )
  assert.match(asks.out, /\n {2}\S+ \S+ {2}\d+ s +done {5}reserve {2}call stock\.reserve\n/)
  assert.match(
    asks.out,
    / running {2}approve {2}ask A large order\n {6}times out in 23 h, at .*\n {6}answer: npx millrace/,
  )
  assert.ok(asks.out.endsWith('\ndata of order.placed\n  {\n    "order": "o-1",\n    "how": "asks"\n  }\n'), asks.out)
  assert.match(fails.out, /its command is held at the desk as message 1 \(BANK: no answer\)/)
  assert.match(refused.out, /: stuck\n[\s\S]*\nerror refused\n {2}undo of "reserve": the shelf is full\n\nsteps\n/)
  assert.match(refused.out, / failed {7}charge .*\n {6}refused: no money\n/)
  assert.match(
    refused.out,
    / undo failed {2}undo reserve\/back {2}call stock\.return\n {6}refused: the shelf is full\n/,
  )
  assert.match(sleeps.out, / running {2}a while {2}sleep\n {6}ends in 59 min, at /)
  assert.match(
    table.out,
    /^ID {2}MEDIATOR .* ERROR .* SINCE {2}TOOK\n 1 {2}fulfilment {2}running {8}o-1 .*\n 2 {2}fulfilment {2}running, held {2}o-2 /,
  )
  assert.match(table.out, / stuck +o-3 +refused: undo of "reser/)
  const [object] = objectsOf(json!.out)
  assert.deepEqual(object!['data'], { order: 'o-2', how: 'fails' })
  const [, step] = object!['steps'] as Record<string, unknown>[]
  assert.deepEqual([step!['name'], step!['state'], step!['atDesk']], ['charge', 'running', { id: 1, state: 'held' }])
  assert.equal(none.status, 1)
  assert.match(none.err, /^millrace: there is no flow 9; .*\(millrace\/unknown-flow\)\n$/)
})

test('questions are listed and answered; an answer that does not fit is refused with the schema', async (t) => {
  const { app, file, place } = await runningMill(t)
  await place('asks')
  const [table, none, json] = await each(
    file,
    ['questions'],
    ['questions', '--to', 'anna'],
    ['questions', '--to', 'sales', '--json'],
  )
  assert.match(table.out, /^FLOW .*QUESTION .*LEFT\n {3}1 {2}approve .* sales {2}A large order .* 23 h\n$/)
  assert.equal(none.out, 'no question waits for anna\n')
  const [{ askedAt: _, dueAt, ...question }] = objectsOf(json!.out) as [Record<string, unknown>]
  assert.match(dueAt as string, /Z$/)
  const about = { flow: 1, mediator: 'fulfilment', context: 'o-1', step: 'approve', title: 'A large order' }
  assert.deepEqual(question, { id: 3, ...about, to: 'sales', escalated: false })
  const [shape, object, unasked] = await each(
    file,
    ['form', '1', 'approve'],
    ['form', '1', 'approve', '--json'],
    ['form', '1', 'agree'],
  )
  assert.equal(shape.status, 0)
  const [{ schema, ...told }] = objectsOf(object.out) as [Record<string, unknown>]
  assert.deepEqual(JSON.parse(shape.out), schema)
  assert.deepEqual(told, { flow: 1, step: 'approve', why: null })
  assert.match(unasked.err, /it asks "approve"; .*\(millrace\/not-asked\)/)
  const [wrong, other] = await each(file, ['answer', '1', 'approve', '{"yes":1}'], ['answer', '1', 'agree', 'null'])
  assert.match(wrong.err, /answer to "approve".*\(millrace\/bad-data\)/)
  assert.match(other.err, /it asks "approve"; .*\(millrace\/not-asked\)/)
  const done = await flows(file, 'answer', '1', 'approve', 'null', '--by', 'anna', '--reason', 'a test')
  assert.deepEqual(done, { status: 0, out: 'flow 1 has its answer to "approve"\n', err: '' })
  await app.idle()
  assert.deepEqual((await app.flows.show(1))?.result, { receipt: 'r o-1' })
  const [line] = await app.desk.audit()
  assert.deepEqual([line?.by, line?.action, line?.reason], ['anna', 'answered', 'a test'])
})

test('flows are paused, resumed, cancelled, stopped and run again; one that cannot be is told', async (t) => {
  const { app, file, trouble, place } = await runningMill(t)
  await place('waits', 'waits', 'fails')
  const because = ['--by', 'anna', '--reason', 'a test']
  const [paused, resumed, cancelled, unsaid, ended, early, again] = await each(
    file,
    ['pause', '1', ...because],
    ['resume', '1', '9', '--json'],
    ['cancel', '1', ...because],
    ['stop', '2'],
    ['stop', '2', '3', ...because],
    ['rerun', '3', '--from', 'pay'],
    ['rerun', '3', '--from', 'charge', ...because],
  )
  assert.equal(paused.out, 'flow 1 is paused\n')
  assert.deepEqual([resumed.status, JSON.parse(resumed.out)], [1, { id: 1, resumed: true, state: 'running' }])
  assert.match(resumed.err, /"code":"millrace\/unknown-flow","message":"there is no flow 9"/)
  assert.match(cancelled.out, /^flow 1 is cancelled\n$/)
  assert.deepEqual([unsaid.status, unsaid.out], [2, ''])
  assert.match(unsaid.err, /^millrace: stop needs --reason TEXT/)
  assert.equal(ended.out, 'flow 2 is stopped\nflow 3 is stopped\n')
  assert.match(early.err, /flow 3 has no step "pay"; it has "reserve", "charge"; .*\(millrace\/unknown-step\)/)
  assert.equal(again.out, 'flow 3 runs again as flow 4, from "charge" on\n')
  // The command of the one that was stopped is still at the desk, and that of the new one behind it.
  await app.idle()
  const [stopped, behind] = await each(file, ['show', '3'], ['show', '4'])
  assert.match(stopped.out, / {2}abandoned {2}charge /)
  assert.match(stopped.out, /\nerror millrace\/flow-stopped\n {2}stopped by anna: a test\n/)
  assert.match(behind.out, /\n {6}its command is message 2 in line at the desk/)
  trouble.charging = false
  await app.desk.release(1)
  await app.idle()
  const states = (await app.flows.list()).map(({ state }) => state)
  assert.deepEqual(states, ['compensated', 'stopped', 'stopped', 'completed'])
  assert.match((await flows(file, 'show', '4')).out, /\n {2}runs again {2}flow 3\n[\s\S]*\nresult\n {2}\{\n/)
})

test('flows of a stopped app can be read; actions on them are refused, and nothing is written', async (t) => {
  const { app, file, place } = await runningMill(t)
  await place('asks')
  await app.stop()
  const before = readFileSync(file)
  const [show, questions, ...refused] = await each(
    file,
    ['show', '1'],
    ['questions'],
    ['answer', '1', 'approve', 'null'],
    ['cancel', '1'],
    ['stop', '1', '--reason', 'a test'],
    ['rerun', '1'],
  )
  assert.match(show.out, /^flow 1 of mediator fulfilment: running\n/)
  assert.match(questions.out, /\n {3}1 {2}approve /)
  for (const { status, out, err } of refused) {
    assert.deepEqual([status, out], [1, ''])
    assert.match(
      err,
      /^millrace: no app runs with .*actions on flows need the running app; start the app.*\(millrace\/not-running\)/,
    )
  }
  assert.ok(readFileSync(file).equals(before))
})

test('check tells which flows today’s code does not fit, of a running app and of a stopped one', async (t) => {
  const { app, file, trouble, place } = await runningMill(t)
  trouble.returning = true
  await place('asks', 'refused', 'waits')
  await app.publish(Paid, { order: 'o-3' })
  await app.idle()
  const check = (code: string, ...given: readonly (readonly string[])[]) => {
    const commands = given.map((args) => ['flows', 'check', appFile, '--db', file, ...args])
    return millraces(commands, { env: { FLOW_CODE: code } })
  }
  const [same] = await check('as it was', [])
  assert.deepEqual(same, { status: 0, out: '2 flows fit\n', err: '' })
  const about = (
    id: number,
    state: string,
  ) => `flow ${id} of mediator fulfilment, ${state}, context o-${id}: does not fit
  journal  call "reserve" (stock.reserve)
  code     call "take" (stock.reserve)
  after    its beginning
`
  const out = `${about(1, 'running')}${about(2, 'stuck')}2 of 2 flows do not fit\n`
  await app.stop()
  const before = readFileSync(file)
  const [renamed, all, json] = await check('renamed', [], ['--all'], ['--json'])
  const [more] = await check('more', ['--all'])
  const [gone] = await check('gone', ['--all'])
  assert.deepEqual(renamed, { status: 1, out, err: '' })
  assert.match(all!.out, /\n3 of 3 flows do not fit\n$/)
  assert.deepEqual([more?.status, more?.out], [0, '3 flows fit\n'])
  assert.match(
    gone!.out,
    /\n {2}why {2}today's code has no mediator "fulfilment"\n[\s\S]*; for 1 that have ended the app has no code\n$/,
  )
  const [first, , last] = objectsOf(json!.out)
  const { message, ...misfit } = first!
  assert.match(message as string, /today's code does call "take"/)
  assert.deepEqual(misfit, {
    ...{ flow: 1, mediator: 'fulfilment', version: 1, context: 'o-1', state: 'running' },
    ...{ journal: 'call "reserve" (stock.reserve)', code: 'call "take" (stock.reserve)', after: [] },
  })
  assert.deepEqual(last, { fits: 0, differs: 2, unknown: 0 })
  assert.ok(readFileSync(file).equals(before))
  const { out: said } = await millrace(['doctor', '--db', file])
  assert.match(
    said,
    /\nwarn {2}flows {7}fulfilment: 1 completed, 1 running, 1 stuck; see npx millrace flows list --state stuck --db .*\n/,
  )
  assert.match(
    said,
    /\nok {4}questions {3}1 open; see npx millrace flows questions --db .*\nok {4}times {7}1 time of flows to come\n/,
  )
})

test('wrong use is told with status 2', async () => {
  const wrong = [
    [['list', '--state', 'runing'], /--state is "runing", but must be queued, running, /],
    [['list', '--older-than', '2'], /--older-than is "2", but must be a time span such as 90s, 15min, 2h or 3d/],
    [['show'], /ID is missing/],
    [['cancel'], /ID is missing/],
    [['show', 'x'], /ID is "x", but must be the number of a flow/],
    [['answer', '1', 'approve'], /JSON is missing/],
    [['answer', '1', 'approve', '{'], /the answer is not JSON: /],
    [['check'], /name the app file \(app\.ts\): the command checks its code/],
  ] as const
  const all = await each('none.db', ...wrong.map(([args]) => args))
  wrong.forEach(([args, expected], at) => {
    const { status, out, err } = all[at]!
    assert.deepEqual({ args, status, out }, { args, status: 2, out: '' })
    assert.match(err, expected)
  })
})
