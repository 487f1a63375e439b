import { fireEvent, render } from '@testing-library/react'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'

import { useReturn } from './useReturn.js'

function Page({ seenRef }) {
  useReturn(seenRef, false, () => {})
  return <button type="button" data-picture="a" />
}

let reveal
beforeEach(() => {
  vi.useFakeTimers()
  reveal = vi.spyOn(Element.prototype, 'scrollIntoView')
})
afterEach(() => {
  vi.useRealTimers()
  reveal.mockRestore()
})

it.each([
  ['the browser restores its place', () => {}, 2],
  ['somebody scrolls on', () => fireEvent.wheel(window), 1],
])('brings the picture into sight while %s', (_, act, times) => {
  render(<Page seenRef={{ current: { id: 'a', index: 0, walked: true } }} />)
  vi.advanceTimersByTime(50)
  expect(reveal).toHaveBeenCalledOnce()
  act()
  vi.advanceTimersByTime(1000)
  expect(reveal).toHaveBeenCalledTimes(times)
})
