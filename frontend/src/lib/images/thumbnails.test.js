import { describe, expect, it } from 'vitest'

import { makeImage } from '../../test/fakeServer.js'
import { smallestThumbnail, thumbnailProps } from './thumbnails.js'

const WIDTHS = [512, 256]
const image = (width, height) => makeImage(1, { width, height, thumbnail_url: '/t' })

describe('thumbnailProps', () => {
  it('offers the widths of the server, smallest first', () => {
    const { src, srcSet, sizes } = thumbnailProps(image(1024, 1024), WIDTHS)
    expect(src).toBe('/t?w=256')
    expect(srcSet).toBe('/t?w=256 256w, /t?w=512 512w')
    expect(sizes).toBe('(max-width: 575.98px) 128px, 200px')
  })

  it('promises no more than the picture has', () => {
    expect(thumbnailProps(image(320, 1024), WIDTHS).srcSet).toBe('/t?w=256 256w, /t?w=512 320w')
  })

  it('knows that a wide picture is drawn wider than its card', () => {
    expect(thumbnailProps(image(2048, 1024), WIDTHS).sizes).toBe('(max-width: 575.98px) 256px, 400px')
  })

  it('does without where the server offers none', () => {
    expect(thumbnailProps(image(1536, 1024))).toEqual({ src: '/t', width: 384, height: 256 })
  })
})

describe('smallestThumbnail', () => {
  it('is the smallest that is offered', () => {
    expect(smallestThumbnail(image(512, 512), WIDTHS)).toBe('/t?w=256')
    expect(smallestThumbnail(image(512, 512))).toBe('/t')
  })
})
