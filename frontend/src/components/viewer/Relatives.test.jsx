import { screen } from '@testing-library/react'
import { expect, it, vi } from 'vitest'

import { makeImage } from '../../test/fakeServer.js'
import { renderWith } from '../../test/render.jsx'
import Relatives from './Relatives.jsx'

const [OWN, PARENT] = ['a'.repeat(64), 'b'.repeat(64)]

it('shows what a picture came from and what was made of it, and leads there', async () => {
  const [parent, child] = [makeImage(1, { pixel_hash: PARENT, prompt: 'the parent' }), makeImage(3, { init_image: OWN, prompt: 'a child' })]
  server.overrides['get /history'] = ({ params }) => {
    const images = params.pixel_hash === PARENT ? [parent] : params.made_from === OWN ? [child] : []
    return { images, total: images.length, page: 1, page_size: 12 }
  }
  window.history.replaceState(null, '', `/?picture=${'c'.repeat(32)}`)
  const onCompare = vi.fn()
  const { user } = renderWith(<Relatives image={makeImage(2, { pixel_hash: OWN, init_image: PARENT })} onCompare={onCompare} />)
  await user.click(await screen.findByRole('button', { name: 'Before and after' }))
  expect(onCompare).toHaveBeenCalledExactlyOnceWith(expect.stringContaining(`/api/inputs/${PARENT}`))
  await user.click(await screen.findByRole('button', { name: 'a child' }))
  expect(window.location.search).toBe(`?picture=${child.id}`)
  await user.click(await screen.findByRole('button', { name: 'Made from: the parent' }))
  expect(window.location.search).toBe(`?picture=${parent.id}`)
})

it('shows the references in their order, and leads to those of the gallery', async () => {
  const parent = makeImage(1, { pixel_hash: PARENT, prompt: 'the parent' })
  server.overrides['get /history'] = ({ params }) => {
    const images = params.pixel_hash === PARENT ? [parent] : []
    return { images, total: images.length, page: 1, page_size: 12 }
  }
  window.history.replaceState(null, '', `/?picture=${'c'.repeat(32)}`)
  const { user } = renderWith(<Relatives image={makeImage(2, { references: [OWN, PARENT, OWN] })} />)
  const link = await screen.findByRole('button', { name: 'Reference 2: the parent' })
  const sent = screen.getAllByRole('img', { name: /Reference [13]:/ })
  expect(sent.map(({ src }) => src.includes(OWN))).toEqual([true, true])
  await user.click(link)
  expect(window.location.search).toBe(`?picture=${parent.id}`)
})

it('is silent for a picture from words of which nothing was made', () => {
  const { container } = renderWith(<Relatives image={makeImage(2, { pixel_hash: OWN })} />)
  expect(container.querySelector('.relatives')).toBeNull()
})

it('leads from a sketch to the picture that it was painted on', async () => {
  const parent = makeImage(1, { pixel_hash: PARENT, prompt: 'the parent' })
  server.overrides['get /history'] = ({ params }) => {
    const images = params.pixel_hash === PARENT ? [parent] : []
    return { images, total: images.length, page: 1, page_size: 12 }
  }
  const image = makeImage(2, { pixel_hash: OWN, init_image: 'd'.repeat(64), base: PARENT })
  const onCompare = vi.fn()
  const { user } = renderWith(<Relatives image={image} onCompare={onCompare} />)
  expect(await screen.findByRole('button', { name: /the parent/ })).toBeInTheDocument()
  await user.click(screen.getByRole('button', { name: /before/i }))
  expect(onCompare).toHaveBeenCalledExactlyOnceWith(expect.stringContaining(`/api/inputs/${PARENT}`))
})
