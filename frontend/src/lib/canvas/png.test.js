import { Buffer } from 'node:buffer'
import { inflateSync } from 'node:zlib'

import { describe, expect, it } from 'vitest'

import { crc32, encodeGrey, encodeRgba } from './png.js'
import { toPixel } from './raster/blend.js'

/** The chunks of a PNG, each with its checksum looked at. */
async function chunksOf(blob) {
  const bytes = Buffer.from(await blob.arrayBuffer())
  expect(bytes.subarray(0, 8).toString('latin1')).toBe('\x89PNG\r\n\x1a\n')
  const chunks = {}
  for (let at = 8; at < bytes.length; ) {
    const length = bytes.readUInt32BE(at)
    const body = bytes.subarray(at + 4, at + 8 + length)
    expect(bytes.readUInt32BE(at + 8 + length)).toBe(crc32(body))
    chunks[body.subarray(0, 4).toString('latin1')] = body.subarray(4)
    at += 12 + length
  }
  return chunks
}

describe('a PNG of ours', () => {
  it('has the checksum that the format asks for', () => {
    expect(crc32(Buffer.from('123456789'))).toBe(0xcbf43926)
    expect(crc32(Buffer.from('IEND'))).toBe(0xae426082)
  })

  it('holds a mask as one grey a pixel', async () => {
    const mask = Uint8Array.from([0, 255, 128, 1, 2, 3])
    const blob = await encodeGrey(mask, { width: 3, height: 2 })
    const { IHDR, IDAT, IEND } = await chunksOf(blob)
    expect(blob.type).toBe('image/png')
    expect([...IHDR]).toEqual([0, 0, 0, 3, 0, 0, 0, 2, 8, 0, 0, 0, 0])
    expect([...inflateSync(IDAT)]).toEqual([0, 0, 255, 128, 0, 1, 2, 3])
    expect(IEND).toHaveLength(0)
  })

  it('holds a sketch with what shines through', async () => {
    const sketch = Uint32Array.from([toPixel([1, 2, 3, 4]), toPixel([255, 254, 253])])
    const { IHDR, IDAT } = await chunksOf(await encodeRgba(sketch, { width: 1, height: 2 }))
    expect([...IHDR]).toEqual([0, 0, 0, 1, 0, 0, 0, 2, 8, 6, 0, 0, 0])
    expect([...inflateSync(IDAT)]).toEqual([0, 1, 2, 3, 4, 0, 255, 254, 253, 255])
  })
})
