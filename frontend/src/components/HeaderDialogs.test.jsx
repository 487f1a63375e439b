import { screen, within } from '@testing-library/react'
import { describe, expect, it } from 'vitest'

import { renderWith } from '../test/render.jsx'
import HeaderDialogs from './HeaderDialogs.jsx'

describe('HeaderDialogs', () => {
  it('shows the shortcuts at a question mark', async () => {
    const { user } = renderWith(<HeaderDialogs />)
    await user.keyboard('?')
    const sheet = await screen.findByRole('dialog', { name: 'Help' })
    expect(within(sheet).getByText('Undo a deletion')).toBeInTheDocument()
  })

  it('leaves a question mark to a field that is typed in', async () => {
    const { user } = renderWith(
      <>
        <HeaderDialogs />
        <input aria-label="field" />
      </>,
    )
    await user.type(screen.getByRole('textbox', { name: 'field' }), '?')
    expect(screen.getByRole('textbox', { name: 'field' })).toHaveValue('?')
    expect(screen.queryByRole('dialog')).not.toBeInTheDocument()
  })
})
