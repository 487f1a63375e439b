import axios from 'axios'
import { afterEach, expect, it, vi } from 'vitest'

import { readStored, writeStored } from '../lib/storage.js'
import { makeImage } from '../test/fakeServer.js'

afterEach(() => document.querySelector('base')?.remove())

function standUnder(folder) {
  document.head.append(Object.assign(document.createElement('base'), { href: folder }))
}

it.each([
  ['that was told of it', '/zimage/api/images/1/thumbnail'],
  ['that knows nothing of it', '/api/images/1/thumbnail'],
])('reaches what a server offers under a sub-path, %s', async (_name, address) => {
  standUnder('/zimage/')
  vi.resetModules()
  axios.defaults.adapter = (config) => globalThis.server.adapter(config)
  const { API_BASE_URL, fetchHistory, previewUrl } = await import('./api.js')
  server.images = [makeImage(1, { thumbnail_url: address })]
  const [image] = (await fetchHistory({})).images
  expect(API_BASE_URL).toBe('/zimage/api')
  expect(image.thumbnail_url).toBe(`${window.location.origin}/zimage/api/images/1/thumbnail`)
  expect(image.download_url).toBe(`${window.location.origin}/zimage/api/download/${image.id}`)
  expect(previewUrl('a', 1)).toMatch(/^\/zimage\/api\//)
})

it('keeps what is stored apart for each sub-path, and where it was for none', () => {
  writeStored('k', 'root')
  standUnder('/zimage/')
  expect(readStored('k', (value) => value, null)).toBeNull()
  writeStored('k', 'below')
  expect({ ...localStorage }).toEqual({ k: '"root"', '/zimage/k': '"below"' })
})
