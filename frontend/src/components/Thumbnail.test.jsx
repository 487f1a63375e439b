import { fireEvent, screen } from '@testing-library/react'
import { describe, expect, it } from 'vitest'

import { makeImage } from '../test/fakeServer.js'
import { renderWith } from '../test/render.jsx'
import Thumbnail from './Thumbnail.jsx'

describe('Thumbnail', () => {
  it('never claims to be larger than the picture', () => {
    renderWith(<Thumbnail image={makeImage(1, { width: 256, height: 320 })} />)
    expect(screen.getByRole('img')).toHaveAttribute('width', '256')
  })

  it('stands in for a file that is gone', () => {
    const { container } = renderWith(<Thumbnail image={makeImage(1)} />)
    fireEvent.error(screen.getByRole('img', { name: 'picture 1' }))
    expect(container.querySelector('img')).toBeNull()
    expect(screen.getByRole('img', { name: 'picture 1' })).toBeInTheDocument()
  })
})
