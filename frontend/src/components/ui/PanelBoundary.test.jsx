import { screen } from '@testing-library/react'
import { describe, expect, it, vi } from 'vitest'

import { reloadPage, reopenPage } from '../../lib/reopen.js'
import { renderWith } from '../../test/render.jsx'
import PanelBoundary from './PanelBoundary.jsx'

vi.mock('../../lib/reopen.js', () => ({ reloadPage: vi.fn(), reopenPage: vi.fn() }))

function Broken({ message }) {
  throw new Error(message)
}

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

  it.each([
    ['what crashes again, at the second try', 'boom', reopenPage, 2],
    ['a part that was lost on the way', 'Failed to fetch dynamically imported module: x.js', reloadPage, 1],
  ])('opens the page anew for %s', async (_name, message, opens, tries) => {
    const { user } = renderWith(
      <PanelBoundary>
        <Broken message={message} />
      </PanelBoundary>,
    )
    for (let left = tries; left > 0; left -= 1) {
      expect(opens).not.toHaveBeenCalled()
      await user.click(screen.getByRole('button', { name: 'Try again' }))
    }
    expect(opens).toHaveBeenCalledOnce()
    vi.mocked(console.error).mockClear()
  })
})
