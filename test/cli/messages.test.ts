import assert from 'node:assert/strict'
import { join } from 'node:path'
import test from 'node:test'
import { mill, Placed } from './support/mill.ts'
import { folder, linesOf, millraces, objectsOf } from './support/millrace.ts'

test('lists, shows and follows messages, the same of a running app and of its file, in 80 columns', async (t) => {
  const file = join(folder(t), 'mill.db')
  const app = mill(file)
  await app.start()
  t.after(() => app.stop())
  await app.publish(Placed, { orderId: 'a' }, { id: 'mine' })
  await app.publish(Placed, { orderId: 'b', fail: file.replace('mill.db', 'never') }, { id: 'fails' })
  await app.idle()
  const [held] = await app.desk.list({ states: ['held'] })
  const commands = [
    ['list', '--json', '--oldest'],
    ['list', '--type', 'order.placed', '--limit', '1'],
    ['show', 'mine', '--json'],
    ['show', 'fails'],
    ['show', 'none'],
    ['story', 'mine'],
    ['list', '--context', 'nobody', '--since', '2h'],
    ['list', '--since', 'yesterday'],
    ['show', 'mine', '--data'],
  ]
  const given = commands.map((args) => ['messages', ...args, '--db', file])
  const running = await millraces(given)
  await app.stop()
  assert.deepEqual(await millraces(given), running)

  const [list, page, shown, failed, none, story, nobody, wrong, data] = running
  const rows = objectsOf(list!.out)
  assert.deepEqual(rows.map(({ id, type }) => [id, type]).slice(0, 1), [['mine', 'order.placed']])
  assert.equal(rows.length, 4)
  assert.match(page!.out, /^TIME +WHERE +TYPE +CONTEXT +ID\n.* orders\/2 +order\.placed +b +fails\n$/)
  assert.match(page!.err, /looked back to .*; look further: --after n-[\w.-]+\n$/)
  const [one] = objectsOf(shown!.out)
  assert.deepEqual(
    [one!['data'], one!['outcomes']],
    [{ orderId: 'a' }, [{ processor: 'stock', state: 'done', item: null }]],
  )
  assert.match(failed!.out, new RegExp(`stock +held +${held!.id}\n`))
  assert.deepEqual([none!.status, none!.out], [1, ''])
  assert.match(none!.err, /^millrace: no message with id "none" is kept; look for it with `npx millrace messages list`/)
  assert.match(story!.out, /^flow mine: 2 messages\n\S+ \S+ {2}order\.placed.*\n\S+ \S+ {4}stock\.taken/)
  assert.deepEqual([nobody!.status, nobody!.out], [0, 'no message matches\n'])
  assert.deepEqual([wrong!.status, wrong!.out], [2, ''])
  assert.match(wrong!.err, /--since is "yesterday", but must be a time such as 2026-12-01T08:00:00Z/)
  assert.deepEqual(JSON.parse(data!.out), { orderId: 'a' })
  for (const { out } of [page!, failed!, story!]) {
    for (const line of linesOf(out)) assert.ok([...line].length <= 80 || out === story!.out, line)
  }
})
