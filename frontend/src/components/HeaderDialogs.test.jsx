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

  it('shows the models: in use, missing, and what the machine can carry', async () => {
    const [turbo, nano] = server.models.models
    server.models = { ...server.models, loaded: nano.id, models: [{ ...turbo, download_gb: 33, repository: 'org/turbo' }, nano] }
    const { user } = renderWith(<HeaderDialogs />)
    await user.click(screen.getByRole('button', { name: 'Models' }))
    const dialog = await screen.findByRole('dialog', { name: 'Models' })
    expect(await within(dialog).findByText('In use')).toBeInTheDocument()
    expect(within(dialog).getByText('Not installed')).toBeInTheDocument()
    expect(await within(dialog).findByText(/33.0 GB to download. This machine has too little memory/)).toBeInTheDocument()
    await user.click(within(dialog).getByRole('button', { name: 'Copy' }))
    expect(await navigator.clipboard.readText()).toBe('hf download org/turbo')
    expect(screen.getByRole('status', { hidden: true })).toHaveTextContent('Command copied.')
  })
})
