import assert from 'node:assert/strict'
import test from 'node:test'
import { StepNames } from './names.ts'

test('a name that comes again gets a number', () => {
  const names = new StepNames()
  assert.deepEqual([names.take('take'), names.take('take'), names.take('take')], ['take', 'take#2', 'take#3'])
})

test('a name with a number that its author wrote is not given twice', () => {
  const names = new StepNames()
  assert.deepEqual([names.take('take#2'), names.take('take'), names.take('take')], ['take#2', 'take', 'take#3'])
  assert.equal(names.take('take#2'), 'take#2#2')
})

test('the next name is told without being taken', () => {
  const names = new StepNames()
  assert.equal(names.next('take'), 'take')
  assert.equal(names.next('take'), 'take')
  names.take('take')
  assert.equal(names.next('take'), 'take#2')
})

test('steps of an undo have its name before theirs, a second undo of a step its own', () => {
  const names = new StepNames()
  names.take('give back')
  assert.equal(names.inUndo, false)
  names.openUndo('take')
  assert.equal(names.inUndo, true)
  assert.equal(names.take('give back'), 'undo take/give back')
  names.openUndo('take')
  assert.equal(names.take('give back'), 'undo take#2/give back')
})
