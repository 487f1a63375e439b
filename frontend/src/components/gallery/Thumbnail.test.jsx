import { fireEvent, screen } from '@testing-library/react'
import { describe, expect, it } from 'vitest'

import { makeImage } from '../../test/fakeServer.js'
import { renderWith } from '../../test/render.jsx'
import Thumbnail from './Thumbnail.jsx'

describe('Thumbnail', () => {
  it('never claims to be larger than the picture', async () => {
    renderWith(<Thumbnail image={makeImage(1, { width: 256, height: 320 })} />)
    expect(await screen.findByRole('img')).toHaveAttribute('width', '256')
  })

  it('loads one of the widths that the server offers, and none before it has said which', async () => {
    renderWith(<Thumbnail image={makeImage(1)} />)
    expect(screen.queryByRole('img')).not.toBeInTheDocument()
    expect((await screen.findByRole('img')).srcset).toMatch(/\?w=256 256w, .*\?w=512 512w$/)
  })

  it('loads the one there is where the server does not say', async () => {
    server.overrides['get /capabilities'] = () => ({})
    renderWith(<Thumbnail image={makeImage(1)} />)
    expect(await screen.findByRole('img')).not.toHaveAttribute('srcset')
  })

  it('stands in for a file that is gone', async () => {
    const { container } = renderWith(<Thumbnail image={makeImage(1)} />)
    fireEvent.error(await screen.findByRole('img', { name: 'picture 1' }))
    expect(container.querySelector('img')).toBeNull()
    expect(screen.getByRole('img', { name: 'picture 1' })).toBeInTheDocument()
  })
})
