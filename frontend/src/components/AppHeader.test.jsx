import { screen, waitFor } from '@testing-library/react'
import { describe, expect, it } from 'vitest'

import { renderWith } from '../test/render.jsx'
import AppHeader from './AppHeader.jsx'

describe('AppHeader', () => {
  it('switches the language and remembers it', async () => {
    const { user } = renderWith(<AppHeader />)
    await user.click(screen.getByRole('button', { name: '中文' }))
    expect(await screen.findByText('文生图，就在这台机器上')).toBeInTheDocument()
    expect(document.documentElement.lang).toBe('zh-Hans')
    expect(window.localStorage.getItem('zimage.language')).toBe('"zh"')
    await user.click(screen.getByRole('button', { name: 'EN' }))
    await waitFor(() => expect(document.documentElement.lang).toBe('en'))
  })

  it('switches the theme and remembers it', async () => {
    const { user } = renderWith(<AppHeader />)
    await waitFor(() => expect(document.documentElement.dataset.bsTheme).toBe('light'))
    await user.click(screen.getByRole('button', { name: 'Dark' }))
    await waitFor(() => expect(document.documentElement.dataset.bsTheme).toBe('dark'))
    expect(screen.getByRole('button', { name: 'Dark' })).toHaveAttribute('aria-pressed', 'true')
    expect(window.localStorage.getItem('zimage.theme')).toBe('"dark"')
    await user.click(screen.getByRole('button', { name: 'Follows the system' }))
    await waitFor(() => expect(document.documentElement.dataset.bsTheme).toBe('light'))
  })
})
