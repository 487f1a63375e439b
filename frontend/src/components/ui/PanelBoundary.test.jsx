import { screen } from '@testing-library/react'
import { describe, expect, it, vi } from 'vitest'

import { renderWith } from '../../test/render.jsx'
import PanelBoundary from './PanelBoundary.jsx'

describe('PanelBoundary', () => {
  it('keeps a failure inside and offers another try', async () => {
    const crash = { now: true }
    function Fragile() {
      if (crash.now) throw new Error('boom')
      return <p>fine</p>
    }
    const { user } = renderWith(
      <PanelBoundary>
        <Fragile />
      </PanelBoundary>,
    )
    expect(screen.getByText('This part of the page failed.')).toBeInTheDocument()
    expect(console.error).toHaveBeenCalled()
    vi.mocked(console.error).mockClear()
    crash.now = false
    await user.click(screen.getByRole('button', { name: 'Try again' }))
    expect(screen.getByText('fine')).toBeInTheDocument()
  })
})
