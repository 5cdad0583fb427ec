// `tx.attempt`: statements that may fail, in a savepoint of their own; and the rule of failed statements in `setup` and
// `app.transaction`.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import test from 'node:test'
import { type AppTx, app, event, isMillraceError, processor, sqlite, type Tx, topic } from 'millrace'
import { z } from 'zod'
import { place } from './support/place.ts'

const Told = event('told', { schema: z.object({ what: z.string() }) })
const Later = topic('later', [Told])
const Asked = event('asked', { schema: z.object({}) })
const Asks = topic('asks', [Asked])

type Test = Parameters<typeof place>[0] & { after(fn: () => unknown): void }

/** An app with a table whose rows are unique; `commit` runs in the commit function of a handler. */
async function start(
  t: Test,
  commit: (tx: Tx, tell: (what: string) => string, cancel: (id: string) => void) => unknown = () => {},
) {
  const asked = processor('asked', {
    on: Asks,
    publishes: [Told],
    retry: { attempts: 1 },
    handle: {
      asked: (_, context) =>
        context.commit((tx) =>
          commit(
            tx,
            (what) => context.publish(Told, { what }, { id: what, delayMs: 1e9 }),
            (id) => context.cancel(Told, id),
          ),
        ),
    },
  })
  const made = app({
    name: 'trials',
    broker: sqlite({ file: join(place(t), 'app.db') }),
    log: () => {},
    setup: async (tx) => {
      await tx.query`create table if not exists words (word text unique)`
      await tx.query`insert or ignore into words values ('taken')`
      await tx.query`create table if not exists trap (a integer)`
      await tx.query`create trigger if not exists spring before insert on trap begin select raise(rollback, 'sprung'); end`
    },
    parts: [Asks, Later, asked],
  })
  await made.start({ control: false })
  t.after(() => made.stop())
  const words = async () =>
    (await made.read<{ word: string }>`select word from words where word <> 'taken' order by word`).map(
      (row) => row.word,
    )
  const told = async () =>
    (await made.read<{ id: string }>`select message_id as id from millrace_timers order by 1`).map(({ id }) => id)
  /** The error that the commit function failed with, if it did. */
  const ask = async () => {
    await made.publish(Asked, {})
    await made.idle()
    return (await made.desk.list({ states: ['held'] }))[0]?.error
  }
  return { app: made, words, told, ask }
}

const add = (tx: Tx, word: string) => tx.query`insert into words values (${word})`
const sql = (tx: Tx) => tx.client as { exec(text: string): void }
const coded =
  (code: string, says = /./) =>
  (error: unknown) =>
    isMillraceError(error) && error.code === code && says.test(error.message)

/** Runs a function as `commit`, `app.transaction` and `setup` would; gives the error that it fails with. */
const places: Record<string, (t: Test, fn: (tx: Tx) => unknown) => Promise<{ code?: string; message: string }>> = {
  'the commit function': async (t, fn) => {
    const { ask, words } = await start(t, fn)
    const error = await ask()
    assert.deepEqual(await words(), [])
    return error!
  },
  'the function of app.transaction': async (t, fn) => {
    const { app, words } = await start(t)
    const error = await app.transaction(fn).then(
      () => assert.fail('the transaction went well'),
      (error: Error) => error,
    )
    assert.deepEqual(await words(), [])
    return error
  },
  setup: async (t, fn) => {
    const file = join(place(t), 'setup.db')
    const table = (tx: Tx) => tx.query`create table if not exists words (word text unique)`
    const again = (setup: (tx: Tx) => unknown) =>
      app({ name: 'trials', broker: sqlite({ file }), log: () => {}, setup, parts: [] })
    const first = again(async (tx) => {
      await table(tx)
      await add(tx, 'taken')
    })
    await first.start({ control: false })
    await first.stop()
    const failing = again(fn)
    const error = await failing.start({ control: false }).then(
      () => assert.fail('the app has started'),
      (error: Error) => error,
    )
    const last = again(table)
    await last.start({ control: false })
    assert.deepEqual(await last.read`select word from words`, [{ word: 'taken' }])
    await last.stop()
    return error
  },
}

for (const [what, failureOf] of Object.entries(places)) {
  test(`a failed statement fails ${what}, even when that returns normally, and the error names it`, async (t) => {
    const { code, message } = await failureOf(t, async (tx) => {
      await add(tx, 'mine')
      await add(tx, 'taken').catch(() => {})
      return 'all is well'
    })
    assert.equal(code, 'millrace/statement-failed')
    const says = `${what} fails, whatever it returned, because one of its statements failed: UNIQUE constraint failed: words.word`
    assert.equal(message, says)
  })

  test(`${what} that waits for something else is named in its error`, async (t) => {
    const { code, message } = await failureOf(t, () => new Promise(() => {}))
    assert.equal(code, 'millrace/commit-waited')
    assert(message.startsWith(`${what} awaited something other than tx`), message)
  })

  test(`an attempt in ${what} that waits for something else fails it`, async (t) => {
    const { code, message } = await failureOf(t, async (tx) => {
      await add(tx, 'before')
      await tx.attempt(async (inner) => {
        await add(inner, 'inside')
        await new Promise((resolve) => setTimeout(resolve, 0))
      })
    })
    assert.equal(code, 'millrace/commit-waited')
    assert(message.startsWith(`${what} awaited something other than tx`), message)
  })

  test(`${what} that returns while an attempt of it is open fails, and nothing of either stays`, async (t) => {
    let late: Promise<unknown> | undefined
    const { code, message } = await failureOf(t, async (tx) => {
      await add(tx, 'before')
      late = tx.attempt(async (inner) => {
        await add(inner, 'inside')
        for (let turn = 0; turn < 50; turn++) await null
        await add(inner, 'after the end')
      })
      late.catch(() => {})
    })
    assert.equal(code, 'millrace/attempt-open')
    assert.equal(message, `${what} ended while an attempt of it was open`)
    await assert.rejects(late!, coded('millrace/tx-closed', /^tx was used after an attempt of /))
  })

  test(`statements and attempts beside an open attempt are refused, and fail ${what}`, async (t) => {
    for (const beside of [
      (tx: Tx) => add(tx, 'beside'),
      (tx: Tx) => sql(tx).exec("insert into words values ('beside')"),
      (tx: Tx) => tx.attempt((other) => add(other, 'beside')),
    ]) {
      let refused: unknown
      const { code, message } = await failureOf(t, async (tx) => {
        await tx.attempt(async (inner) => {
          await add(inner, 'inside')
          try {
            await beside(tx)
          } catch (error) {
            refused = error
          }
        })
      })
      assert(
        coded('millrace/attempt-open', new RegExp(`^${what} used its tx while an attempt`))(refused),
        String(refused),
      )
      assert.equal(code, 'millrace/statement-failed')
      assert(message.endsWith((refused as Error).message), message)
    }
  })
}

test('an attempt returns the value of its function, and its rows stay with the rest', async (t) => {
  const { app, words } = await start(t)
  const value = await app.transaction(async (tx) => {
    await add(tx, 'a')
    const gave = await tx.attempt(async (inner) => {
      await add(inner, 'b')
      return 'the value'
    })
    const atOnce = await tx.attempt((inner) => sql(inner).exec("insert into words values ('c')"))
    await add(tx, 'd')
    return [gave, atOnce]
  })
  assert.deepEqual(value, ['the value', undefined])
  assert.deepEqual(await words(), ['a', 'b', 'c', 'd'])
})

const failures: Record<string, { run: (tx: Tx) => unknown; error: (error: unknown) => boolean }> = {
  'a statement': { run: (tx) => add(tx, 'taken'), error: (error) => /UNIQUE/.test(String(error)) },
  'a statement that it catches': {
    run: (tx) => add(tx, 'taken').catch(() => {}),
    error: coded('millrace/statement-failed', /^an attempt of the commit function fails.*UNIQUE/),
  },
  'what it throws at once': {
    run: () => {
      throw new Error('at once')
    },
    error: (error) => (error as Error).message === 'at once',
  },
  'a denied statement': { run: (tx) => tx.query`commit`, error: coded('millrace/denied') },
  'an attempt in it that is open': {
    run: (tx) => void tx.attempt(() => new Promise(() => {})),
    error: coded('millrace/attempt-open', /^an attempt of the commit function ended while/),
  },
}
for (const [why, { run, error }] of Object.entries(failures)) {
  test(`an attempt that fails by ${why} rolls back its own rows, and the function continues`, async (t) => {
    let caught: unknown
    const { ask, words, told } = await start(t, async (tx, tell, cancel) => {
      await add(tx, 'before')
      tell('before')
      tell('cancelled before')
      await tx
        .attempt(async (inner) => {
          await add(inner, 'inside')
          tell('inside')
          cancel('before')
          await run(inner)
        })
        .catch((error: unknown) => {
          caught = error
        })
      await add(tx, 'after')
      tell('after')
      cancel('cancelled before')
    })
    assert.equal(await ask(), undefined)
    assert(error(caught), String(caught))
    assert.deepEqual(await words(), ['after', 'before'])
    assert.deepEqual(await told(), ['after', 'before'])
  })
}

test('a failed attempt that was the first to publish drops its messages, and later ones leave', async (t) => {
  const { ask, told } = await start(t, async (tx, tell) => {
    await assert.rejects(
      tx.attempt(() => {
        tell('first')
        throw new Error('no')
      }),
      /no/,
    )
    tell('second')
    await tx.attempt(() => tell('third'))
  })
  assert.equal(await ask(), undefined)
  assert.deepEqual(await told(), ['second', 'third'])
})

test('attempts in attempts: one that fails takes back those in it, none around it', async (t) => {
  const { ask, words, told } = await start(t, async (tx, tell) => {
    await tx.attempt(async (one) => {
      await add(one, 'one')
      tell('one')
      const failed = one.attempt(async (two) => {
        await add(two, 'two')
        tell('two')
        await two.attempt(async (three) => {
          await add(three, 'three')
          tell('three')
        })
        await assert.rejects(
          two.attempt((four) => add(four, 'taken')),
          /UNIQUE/,
        )
        await add(two, 'five')
        throw new Error('all of two')
      })
      await assert.rejects(failed, /all of two/)
      await add(one, 'six')
    })
    await add(tx, 'seven')
  })
  assert.equal(await ask(), undefined)
  assert.deepEqual(await words(), ['one', 'seven', 'six'])
  assert.deepEqual(await told(), ['one'])
})

test('attempts nest deep, and the outermost takes back all', async (t) => {
  const { app, words } = await start(t)
  const nest = async (tx: Tx, depth: number): Promise<void> => {
    await add(tx, `depth ${depth}`)
    if (depth < 40) await tx.attempt((inner) => nest(inner, depth + 1))
    else throw new Error('the bottom')
  }
  await app.transaction(async (tx) => {
    await assert.rejects(
      tx.attempt((inner) => nest(inner, 1)),
      /the bottom/,
    )
    await add(tx, 'after')
  })
  assert.deepEqual(await words(), ['after'])
})

test('the tx of an attempt is refused after it, for statements and for publishing', async (t) => {
  const { app, words, told } = await start(t)
  await app.transaction(async (tx) => {
    let kept: AppTx | undefined
    await tx.attempt((inner) => {
      kept = inner
    })
    await assert.rejects(
      async () => add(kept!, 'late'),
      coded('millrace/tx-closed', /^tx was used after an attempt of the function of app\.transaction had ended$/),
    )
    assert.throws(() => sql(kept!).exec('select 1'), coded('millrace/tx-closed'))
    assert.throws(() => kept!.publish(Told, { what: 'late' }), coded('millrace/tx-closed'))
    assert.throws(() => kept!.cancel(Told, 'late'), coded('millrace/tx-closed'))
    await assert.rejects(
      kept!.attempt(() => {}),
      coded('millrace/tx-closed'),
    )
    await add(tx, 'after')
  })
  assert.deepEqual(await words(), ['after'])
  assert.deepEqual(await told(), [])
})

test('publishes, sends and cancels of an attempt of app.transaction are dropped when it fails', async (t) => {
  const { app, told } = await start(t)
  const tell = (tx: AppTx, what: string) => tx.publish(Told, { what }, { id: what, delayMs: 1e9 })
  await app.transaction(async (tx) => {
    tell(tx, 'before')
    await assert.rejects(
      tx.attempt((inner) => {
        tell(inner, 'inside')
        tell(tx, 'by the outer tx, inside')
        inner.cancel(Told, 'before')
        throw new Error('no')
      }),
      /no/,
    )
    await tx.attempt((inner) => tell(inner, 'of one that went well'))
  })
  assert.deepEqual(await told(), ['before', 'of one that went well'])
})

test('a statement that ends the whole transaction in an attempt fails the function, though the attempt is caught', async (t) => {
  for (const ends of [
    (tx: Tx) => tx.query`insert or rollback into words values ('taken')`,
    (tx: Tx) => tx.query`insert into trap values (1)`.catch(() => {}),
  ]) {
    let next: unknown
    const { ask, words } = await start(t, async (tx) => {
      await add(tx, 'before')
      await tx.attempt(ends).catch(() => {})
      await add(tx, 'after').catch((error: unknown) => {
        next = error
      })
    })
    assert.equal((await ask())?.code, 'millrace/transaction-ended')
    assert(coded('millrace/transaction-ended')(next))
    assert.deepEqual(await words(), [])
  }
})

test('attempts count as statements, so their number is bounded', async (t) => {
  const { ask } = await start(t, async (tx) => {
    for (;;) await tx.attempt(() => {})
  })
  assert.equal((await ask())?.code, 'millrace/too-many-queries')
})

test('an attempt without a function is refused, and attempt may be destructured', async (t) => {
  const { app, words } = await start(t)
  for (const fn of [undefined, 7, 'select 1']) {
    await assert.rejects(
      app.transaction((tx) => tx.attempt(fn as never)),
      coded('millrace/bad-option', /^tx\.attempt takes a function$/),
    )
  }
  await app.transaction(({ attempt }) => attempt(({ query }) => query`insert into words values ('a')`))
  assert.deepEqual(await words(), ['a'])
})
