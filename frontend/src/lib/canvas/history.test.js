import { describe, expect, it } from 'vitest'

import { History, LEAST_STEPS } from './history.js'

const step = (name, bytes = 1) => ({ name, bytes })
const names = (history) => {
  const all = []
  for (let one = history.back(); one; one = history.back()) all.push(one.name)
  return all
}

describe('History', () => {
  it('goes back and forth, and forgets what was taken back when something new is done', () => {
    const history = new History()
    expect([history.canBack, history.canForth, history.back(), history.forth()]).toEqual([false, false, undefined, undefined])
    for (const name of 'abc') history.push(step(name))
    expect([history.back().name, history.back().name, history.forth().name]).toEqual(['c', 'b', 'b'])
    history.push(step('d'))
    expect([history.canForth, history.bytes]).toEqual([false, 3])
    expect(names(history)).toEqual(['d', 'b', 'a'])
  })

  it('forgets the oldest when there are too many', () => {
    const history = new History({ mostSteps: 3 })
    for (const name of 'abcde') history.push(step(name))
    expect(names(history)).toEqual(['e', 'd', 'c'])
  })

  it('forgets the oldest when they are too large, but never the last one', () => {
    const history = new History({ mostBytes: 100 })
    for (const name of 'abc') history.push(step(name, 40))
    expect([history.length, history.bytes]).toEqual([2, 80])
    history.push(step('huge', 1000))
    expect(names(history)).toEqual(['huge'])
  })

  it('keeps at least as many steps as promised', () => {
    const history = new History()
    for (let number = 0; number < 1000; number += 1) history.push(step(number))
    expect(history.length).toBeGreaterThanOrEqual(LEAST_STEPS)
    expect(history.length).toBeLessThan(1000)
  })
})
