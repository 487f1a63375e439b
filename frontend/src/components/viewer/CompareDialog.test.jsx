import { fireEvent, screen } from '@testing-library/react'
import { describe, expect, it, vi } from 'vitest'

import { stubCanvas } from '../../test/fakeCanvas.js'
import { makeImage } from '../../test/fakeServer.js'
import { renderWith } from '../../test/render.jsx'
import CompareDialog from './CompareDialog.jsx'

const show = (count) => renderWith(<CompareDialog images={Array.from({ length: count }, (_, at) => makeImage(at + 1))} onClose={vi.fn()} />)
const movedOf = (name) => {
  const image = screen.getByRole('img', { name })
  return image.style.transform || image.closest('.before-after-moved')?.style.transform || ''
}

describe('CompareDialog', () => {
  it.each(['One upon the other', 'Side by side'])('looks closer at both at once: %s', async (how) => {
    const { user } = show(2)
    await user.click(screen.getByRole('button', { name: how }))
    expect(screen.queryAllByRole('slider')).toHaveLength(how === 'Side by side' ? 0 : 1)
    const moved = () => ['A: picture 1', 'B: picture 2'].map(movedOf)
    await user.click(screen.getByRole('button', { name: 'Zoom in' }))
    await user.keyboard('+{Shift>}{ArrowLeft}{/Shift}')
    expect(moved()).toEqual(Array(2).fill('translate(80px, 0px) scale(2.25)'))
    expect(screen.getByText('2.3 ×')).toBeInTheDocument()
    await user.keyboard('0')
    expect(moved()).toEqual(['', ''])
  })

  it('leaves its arrows to the line', () => {
    show(2)
    const line = screen.getByRole('slider')
    fireEvent.keyDown(line, { key: '+' })
    fireEvent.keyDown(line, { key: 'ArrowLeft' })
    expect(movedOf('A: picture 1')).toBe('translate(0px, 0px) scale(1.5)')
    fireEvent.keyDown(line, { key: 'ArrowLeft', shiftKey: true })
    expect(movedOf('A: picture 1')).toBe('translate(80px, 0px) scale(1.5)')
  })

  it('drags all of four by one', () => {
    stubCanvas({ width: 0, height: 0 }) // For its pointers.
    show(4)
    fireEvent.keyDown(document.body, { key: '+' })
    const pane = screen.getByRole('img', { name: 'C: picture 3' })
    fireEvent.pointerDown(pane, { pointerId: 1, clientX: 10, clientY: 10 })
    fireEvent.pointerMove(pane, { pointerId: 1, clientX: 30, clientY: 5 })
    fireEvent.pointerUp(pane, { pointerId: 1 })
    fireEvent.pointerMove(pane, { pointerId: 1, clientX: 99, clientY: 99 })
    expect(['A: picture 1', 'D: picture 4'].map(movedOf)).toEqual(Array(2).fill('translate(20px, -5px) scale(1.5)'))
    expect(screen.queryByRole('button', { name: 'Side by side' })).not.toBeInTheDocument()
  })
})
