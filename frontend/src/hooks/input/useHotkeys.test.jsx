import { screen } from '@testing-library/react'
import { useState } from 'react'
import Modal from 'react-bootstrap/Modal'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import { renderWith } from '../../test/render.jsx'
import { useHotkeys } from './useHotkeys.js'

function Key({ onEscape, last }) {
  useHotkeys({ Escape: onEscape }, { last })
  return null
}

/** A job that Esc cancels, fields, and a dialog; what is chosen comes last into the page. */
function Page({ onCancel, onClear }) {
  const [open, setOpen] = useState(true)
  const [, setDrawn] = useState(0)
  return (
    <>
      <Key last onEscape={() => onCancel()} />
      {onClear && <Key onEscape={onClear} />}
      <form id="form">
        <input aria-label="text" defaultValue="written" />
        <input aria-label="empty" />
        <input aria-label="day" type="date" />
        <input aria-label="slider" type="range" />
        <button type="button">generate</button>
      </form>
      <input aria-label="search" />
      <button type="button">vary</button>
      {open && (
        <Modal show aria-label="dialog" onHide={() => setOpen(false)}>
          <button type="button" onClick={() => setDrawn((count) => count + 1)}>
            draw anew
          </button>
        </Modal>
      )}
    </>
  )
}

let clock
let now = 5000
/** Two seconds in which nobody does anything. */
const rest = () => (now += 2000)

beforeEach(() => {
  rest()
  clock = vi.spyOn(performance, 'now').mockImplementation(() => now)
})
afterEach(() => clock.mockRestore())

async function setUp(handlers = {}) {
  const onCancel = vi.fn()
  return { onCancel, ...renderWith(<Page onCancel={onCancel} {...handlers} />) }
}

describe('Esc', () => {
  it('closes a dialog, and does nothing else, whoever hears it first', async () => {
    const { user, onCancel } = await setUp()
    await user.click(screen.getByRole('button', { name: 'draw anew' })) // whose listeners come after the dialog's
    document.activeElement.blur()
    await user.keyboard('{Escape}')
    expect(screen.queryByRole('dialog')).not.toBeInTheDocument()
    await user.keyboard('{Escape}')
    expect(onCancel).not.toHaveBeenCalled() // at once: a second thought of the first
    rest()
    await user.keyboard('{Escape}')
    expect(onCancel).toHaveBeenCalledOnce()
    await user.keyboard('{Escape}')
    expect(onCancel).toHaveBeenCalledOnce()
  })

  it.each([
    ['text', 0],
    ['day', 0],
    ['empty', 1],
    ['slider', 1],
    ['generate', 1],
    ['search', 0],
    ['vary', 0],
  ])('at "%s" cancels %i times', async (label, times) => {
    const { user, onCancel } = await setUp()
    await user.keyboard('{Escape}')
    rest()
    const named = screen.queryByLabelText(label) ?? screen.getByRole('button', { name: label })
    named.focus()
    await user.keyboard('{Escape}')
    expect(onCancel).toHaveBeenCalledTimes(times)
  })

  it('cancels nothing just after a dialog or a menu was closed by a click', async () => {
    const { user, onCancel } = await setUp()
    await user.keyboard('{Escape}')
    rest()
    const menu = document.body.appendChild(Object.assign(document.createElement('div'), { className: 'dropdown-menu show' }))
    await user.click(menu)
    menu.remove()
    await user.keyboard('{Escape}')
    expect(onCancel).not.toHaveBeenCalled()
  })

  it('means what is chosen before it means the job, in a written text too', async () => {
    const onClear = vi.fn()
    const { user, onCancel } = await setUp({ onClear })
    await user.keyboard('{Escape}')
    await user.keyboard('{Escape}')
    screen.getByLabelText('text').focus()
    await user.keyboard('{Escape}')
    expect([onClear.mock.calls.length, onCancel.mock.calls.length]).toEqual([2, 0])
  })
})
