import { screen, waitFor } from '@testing-library/react'
import { describe, expect, it } from 'vitest'

import { renderWith } from '../test/render.jsx'
import DemoBanner from './DemoBanner.jsx'

describe('DemoBanner', () => {
  it('says honestly that only the demo model is there, until dismissed', async () => {
    const { user, unmount } = renderWith(<DemoBanner />)
    expect(await screen.findByText(/small 3D icons/)).toBeInTheDocument()
    await user.click(screen.getByRole('button', { name: 'Dismiss' }))
    unmount()
    renderWith(<DemoBanner />)
    await waitFor(() => expect(server.bodiesOf('get', '/models')).toHaveLength(2))
    expect(screen.queryByText(/small 3D icons/)).not.toBeInTheDocument()
  })

  it('is silent where a real model is installed', async () => {
    server.models = { default: 'z-image-turbo', models: server.models.models.map((m) => ({ ...m, installed: true })) }
    renderWith(<DemoBanner />)
    await waitFor(() => expect(server.bodiesOf('get', '/models')).toHaveLength(1))
    expect(screen.queryByText(/small 3D icons/)).not.toBeInTheDocument()
  })
})
