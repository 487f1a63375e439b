import { screen, waitFor } from '@testing-library/react'
import { beforeEach, expect, it, vi } from 'vitest'

import { makeImage } from '../../test/fakeServer.js'
import { renderWith } from '../../test/render.jsx'
import ImageGallery from '../ImageGallery.jsx'

const drawn = vi.hoisted(() => [])

vi.mock('./Thumbnail.jsx', () => ({
  default: ({ image }) => {
    drawn.push(image.prompt)
    return <img alt={image.prompt} />
  },
}))

beforeEach(() => {
  server.images = [3, 2, 1].map((number) => makeImage(number))
})

it('draws the card anew that is changed, and the one that Tab led to before, and none of the others', async () => {
  const { user } = renderWith(<ImageGallery />)
  await screen.findByRole('img', { name: 'picture 1' })
  const heart = screen.getByRole('button', { name: 'Favourite: picture 2' })
  drawn.length = 0
  await user.click(heart)
  await waitFor(() => expect(heart).toHaveAttribute('aria-pressed', 'true'))
  await waitFor(() => expect(server.bodiesOf('post', '/history/bulk')).toHaveLength(1))
  expect(drawn).toContain('picture 2')
  expect(drawn).not.toContain('picture 1')
})
