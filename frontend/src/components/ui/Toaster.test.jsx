import { act, fireEvent, screen } from '@testing-library/react'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import { useToast } from '../../hooks/ui/useToast.js'
import { renderWith } from '../../test/render.jsx'

function Bell({ toast }) {
  const show = useToast()
  return (
    <button type="button" onClick={() => show(toast)}>
      ring
    </button>
  )
}

const pass = (ms) => act(() => vi.advanceTimersByTimeAsync(ms))
const ring = () => fireEvent.click(screen.getByRole('button', { name: 'ring' }))
const notes = () => screen.queryAllByRole('listitem')

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

describe('Toaster', () => {
  it('says a sentence, aloud too, and forgets it', async () => {
    renderWith(<Bell toast={{ text: 'Done.' }} />)
    ring()
    expect(notes()).toHaveLength(1)
    expect(screen.getByRole('status')).toHaveTextContent('Done.')
    await pass(5100)
    expect(notes()).toHaveLength(0)
  })

  it('leaves time to take something back, once', async () => {
    const onClick = vi.fn()
    renderWith(<Bell toast={{ text: 'Deleted.', action: { label: 'Undo', onClick } }} />)
    ring()
    await pass(10_000)
    fireEvent.click(screen.getByRole('button', { name: 'Undo' }))
    expect(onClick).toHaveBeenCalledOnce()
    expect(notes()).toHaveLength(0)
  })

  it('takes back at Ctrl+Z what can be taken back, and does nothing else', () => {
    const onClick = vi.fn()
    const { unmount } = renderWith(<Bell toast={{ text: 'Read.', action: { label: 'Add', onClick } }} />)
    ring()
    fireEvent.keyDown(document.body, { key: 'z', ctrlKey: true })
    expect(onClick).not.toHaveBeenCalled()
    unmount()
    renderWith(<Bell toast={{ text: 'Deleted.', undo: onClick }} />)
    ring()
    fireEvent.keyDown(document.body, { key: 'z', ctrlKey: true })
    expect(onClick).toHaveBeenCalledOnce()
  })

  it('waits while somebody is at it', async () => {
    renderWith(<Bell toast={{ text: 'Done.' }} />)
    ring()
    fireEvent.pointerEnter(notes()[0])
    await pass(60_000)
    expect(notes()).toHaveLength(1)
    fireEvent.pointerLeave(notes()[0])
    await pass(5100)
    expect(notes()).toHaveLength(0)
  })

  it('shows the newest three', () => {
    renderWith(<Bell toast={{ text: 'Done.' }} />)
    for (let count = 0; count < 5; count += 1) ring()
    expect(notes()).toHaveLength(3)
  })
})
