// What blocks the event loop ends the process where a watchdog runs, and the last line says what it was.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import test from 'node:test'
import { fileURLToPath } from 'node:url'
import { place } from '../support.ts'

const program = fileURLToPath(new URL('./support/blocking-program.ts', import.meta.url))

async function lastLine(file: string, way: string): Promise<string> {
  const child = spawn(process.execPath, ['--conditions=millrace-source', program, file, way], {
    stdio: ['ignore', 'inherit', 'pipe'],
  })
  let text = ''
  child.stderr.setEncoding('utf8').on('data', (more: string) => {
    text += more
  })
  const signal = await new Promise((resolve) => child.once('close', (_, signal) => resolve(signal)))
  assert.equal(signal, 'SIGKILL')
  return text
}

const at = String.raw`file:\S+blocking-program\.ts:\d+`
const ways: Readonly<Record<string, RegExp>> = {
  'a handler': new RegExp(`blocked for 200 ms by countForever \\(${at}\\) called by rang \\(${at}\\)`),
  'a handler that goes on': new RegExp(`by countForever \\(${at}\\) called by ringSlowly \\(${at}\\);`),
  'a commit function': new RegExp(`by countForever \\(${at}\\) called by ${at} called by .*run`),
  'no handler': new RegExp(`by countForever \\(${at}\\) called by reportOfTheMonth \\(${at}\\)`),
  'a call into the system': /by native code of the system or a library;/,
}

for (const [way, says] of Object.entries(ways)) {
  test(`a process that ${way} blocks says so when it ends`, async (t) => {
    const line = await lastLine(place(t), way)
    assert.match(line, /^millrace error: the event loop was blocked for 200 ms by .*; the process ends, so that .*\n$/)
    assert.match(line, says)
    assert.doesNotMatch(line, /a handler/, 'nobody is blamed by guess')
  })
}
