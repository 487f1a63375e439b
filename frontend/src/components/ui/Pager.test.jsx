import { screen } from '@testing-library/react'
import { describe, expect, it, vi } from 'vitest'

import { renderWith } from '../../test/render.jsx'
import Pager from './Pager.jsx'

describe('Pager', () => {
  it.each([0, 1])('is not there for %d pages', (pages) => {
    renderWith(<Pager page={1} pages={pages} />)
    expect(screen.queryByRole('navigation')).not.toBeInTheDocument()
  })

  it('walks between its ends', async () => {
    const onChange = vi.fn()
    const { user, rerender } = renderWith(<Pager page={1} pages={2} onChange={onChange} />)
    expect(screen.getByRole('button', { name: 'Newer' })).toBeDisabled()
    await user.click(screen.getByRole('button', { name: 'Older' }))
    expect(onChange).toHaveBeenCalledExactlyOnceWith(2)
    rerender(<Pager page={2} pages={2} onChange={onChange} />)
    expect(screen.getByRole('button', { name: 'Older' })).toBeDisabled()
  })

  it.each([
    ['12', 12],
    ['１２', 12],
    ['999', 40],
    ['0', null],
    ['', null],
  ])('goes to the page "%s" of 40', async (text, page) => {
    const onChange = vi.fn()
    const { user } = renderWith(<Pager page={3} pages={40} onChange={onChange} />)
    await user.type(screen.getByRole('textbox', { name: 'Go to page' }), `${text}{Enter}`)
    expect(onChange.mock.calls).toEqual(page === null ? [] : [[page]])
  })
})
