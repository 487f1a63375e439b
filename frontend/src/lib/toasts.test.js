import { describe, expect, it } from 'vitest'

import { lastStep, SILENCE, takenBack, withoutStep, withoutToast, withToast } from './toasts.js'

const undo = () => {}
const trashed = (...items) => ({ group: { name: 'trashed', items, say: (count) => `${count} gone` }, undo })
const after = (...said) => said.reduce((now, one, at) => withToast(now, at, one), SILENCE)
const texts = ({ toasts }) => toasts.map(({ text }) => text)

describe('withToast', () => {
  it('keeps what can be taken back apart, where it is not of one group', () => {
    expect(texts(after({ text: 'a', undo }, { text: 'a', undo }))).toEqual(['a', 'a'])
    expect(texts(after({ text: 'a' }, { text: 'a', undo }))).toEqual(['a', 'a'])
  })

  it('lets a toast come last whose sentence is said again', () => {
    expect(texts(after({ text: 'a' }, { text: 'b' }, { text: 'a' }))).toEqual(['b', 'a'])
  })

  it('begins to count anew when the sentence has passed', () => {
    const now = withoutToast(after(trashed(1, 2)), 0)
    expect(texts(withToast(now, 1, trashed(3)))).toEqual(['1 gone'])
  })

  it('forgets the steps of a toast that has to go, but for those of groups', () => {
    const now = after(trashed(1), { text: 'a', undo }, { text: 'b', undo }, { text: 'c', undo }, { text: 'd' })
    expect(now.steps.map(({ id }) => id)).toEqual([0, 2, 3])
  })

  it('keeps a hundred steps', () => {
    const now = after(...Array.from({ length: 120 }, (_, number) => trashed(number)))
    expect([now.steps.length, now.steps[0].items, texts(now)]).toEqual([100, [20], ['120 gone']])
  })
})

describe('lastStep', () => {
  it('can be asked for one that a toast in sight tells of', () => {
    const now = withoutToast(after({ text: 'a', undo }, trashed(1)), 1)
    expect(lastStep(now).items).toEqual([1])
    expect(lastStep(now, { inSight: true }).toast).toBe(0)
    expect(lastStep(withoutToast(now, 0), { inSight: true })).toBeUndefined()
  })
})

describe('taking back', () => {
  it('of one step leaves the others to their toast', () => {
    const now = after(trashed(1, 2), trashed(3))
    const next = withoutStep(now, lastStep(now))
    expect([texts(next), next.steps.length]).toEqual([['2 gone'], 1])
    expect(withoutStep(next, lastStep(next))).toEqual(SILENCE)
  })

  it('of a toast takes the steps that it tells of, and no earlier ones', () => {
    const given = []
    const now = withToast(withoutToast(after(trashed(1)), 0), 1, { ...trashed(2, 3), undo: (items) => given.push(items) })
    const { rest, undo: take } = takenBack(now, 1)
    take()
    expect([given, rest.toasts, rest.steps.map(({ items }) => items)]).toEqual([[[2, 3]], [], [[1]]])
  })
})
