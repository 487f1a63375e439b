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

function Bells({ toasts }) {
  const show = useToast()
  return toasts.map((toast) => (
    <button key={toast.text} type="button" onClick={() => show(toast)}>
      {toast.text}
    </button>
  ))
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
    const toasts = Array.from({ length: 5 }, (_, number) => ({ text: `Done: ${number}.` }))
    renderWith(<Bells toasts={toasts} />)
    for (const { text } of toasts) fireEvent.click(screen.getByRole('button', { name: text }))
    expect(notes().map((note) => note.firstChild.textContent)).toEqual(['Done: 2.', 'Done: 3.', 'Done: 4.'])
  })

  it('says the same once, for as long as if it was said just now', async () => {
    renderWith(<Bell toast={{ text: 'Done.' }} />)
    ring()
    await pass(4000)
    ring()
    await pass(4000)
    expect(notes()).toHaveLength(1)
    await pass(1100)
    expect(notes()).toHaveLength(0)
  })

  describe('of a group', () => {
    const z = () => fireEvent.keyDown(document.body, { key: 'z', ctrlKey: true })
    const setUp = (count) => {
      const undo = vi.fn()
      const toasts = Array.from({ length: count }, (_, number) => ({
        text: `delete ${number}`,
        group: { name: 'trashed', items: [number], say: (sum) => `${sum} in the trash` },
        undo,
      }))
      renderWith(<Bells toasts={toasts} />)
      for (const { text } of toasts) fireEvent.click(screen.getByRole('button', { name: text }))
      return undo
    }

    it('makes one sentence, and one undo of all', () => {
      const undo = setUp(10)
      expect(notes()).toHaveLength(1)
      expect(notes()[0]).toHaveTextContent('10 in the trash')
      fireEvent.click(screen.getByRole('button', { name: 'Undo' }))
      expect(undo.mock.calls).toEqual([[[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]]])
      expect(notes()).toHaveLength(0)
      z()
      expect(undo).toHaveBeenCalledOnce()
    })

    it('is walked back by Ctrl+Z one by one, long after it has passed', async () => {
      const undo = setUp(25)
      z()
      expect(notes()[0]).toHaveTextContent('24 in the trash')
      await pass(60_000)
      expect(notes()).toHaveLength(0)
      for (let times = 0; times < 30; times += 1) z()
      expect(undo.mock.calls).toEqual(Array.from({ length: 25 }, (_, number) => [[24 - number]]))
    })

    it('is not walked back behind a dialog when nothing tells of it any more', async () => {
      const undo = setUp(2)
      await pass(60_000)
      const dialog = document.body.appendChild(Object.assign(document.createElement('div'), { className: 'modal show' }))
      z()
      expect(undo).not.toHaveBeenCalled()
      dialog.className = 'modal show lightbox'
      z()
      expect(undo).toHaveBeenCalledOnce()
      dialog.remove()
    })
  })
})
