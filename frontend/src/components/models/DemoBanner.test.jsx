import { screen, waitFor } from '@testing-library/react'
import { describe, expect, it } from 'vitest'

import { renderWith } from '../../test/render.jsx'
import DemoBanner from './DemoBanner.jsx'

describe('DemoBanner', () => {
  it('says honestly that only the demo model is there, until dismissed', async () => {
    const { user, unmount } = renderWith(<DemoBanner />)
    await user.click(await screen.findByRole('button', { name: 'Dismiss' }))
    unmount()
    renderWith(<DemoBanner />)
    await waitFor(() => expect(server.bodiesOf('get', '/models')).toHaveLength(2))
    expect(screen.queryByText(/small 3D icons/)).not.toBeInTheDocument()
  })

  it('leads to the models', async () => {
    const { user } = renderWith(<DemoBanner />)
    await user.click(await screen.findByRole('button', { name: 'Get a larger model' }))
    expect(window.location.search).toBe('?dialog=models')
  })

  it('is silent where a real model is installed, and keeps no place there the next time', async () => {
    server.models = { default: 'z-image-turbo', models: server.models.models.map((m) => ({ ...m, installed: true })) }
    const { unmount } = renderWith(<DemoBanner />)
    expect(screen.getByText(/small 3D icons/), 'its place is kept on a first visit').not.toBeVisible()
    await waitFor(() => expect(screen.queryByText(/small 3D icons/)).not.toBeInTheDocument())
    unmount()
    renderWith(<DemoBanner />)
    expect(screen.queryByText(/small 3D icons/)).not.toBeInTheDocument()
  })
})
