import { Buffer } from 'node:buffer'
import { crc32, deflateSync, inflateSync } from 'node:zlib'

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])

function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const [length, checksum] = [Buffer.alloc(4), Buffer.alloc(4)]
  length.writeUInt32BE(data.length)
  checksum.writeUInt32BE(crc32(body))
  return Buffer.concat([length, body, checksum])
}

/** A grey square that carries `parameters` as A1111 writes them. */
export function a1111Png(parameters, side = 1) {
  const header = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 0])
  header.writeUInt32BE(side, 0)
  header.writeUInt32BE(side, 4)
  const row = Buffer.alloc(1 + side, 128).fill(0, 0, 1) // Each row begins with the filter it went through: none.
  return Buffer.concat([
    SIGNATURE,
    chunk('IHDR', header),
    chunk('tEXt', Buffer.from(`parameters\0${parameters}`, 'latin1')),
    chunk('IDAT', deflateSync(Buffer.concat(Array(side).fill(row)))),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

/** A PNG of eight bits a channel, each row as it is: `type` and `channels` are of PNG's colour types. */
function plainPng(width, height, { type, channels }, valuesOf) {
  const header = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 8, type, 0, 0, 0])
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  const stride = 1 + channels * width
  const rows = Buffer.alloc(height * stride)
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) rows.set(valuesOf(x, y), y * stride + 1 + channels * x)
  }
  return Buffer.concat([SIGNATURE, chunk('IHDR', header), chunk('IDAT', deflateSync(rows)), chunk('IEND', Buffer.alloc(0))])
}

/** A landscape of colours, `colourOf(x, y)` three bytes a pixel. */
export function colourPng(width, height, colourOf) {
  return plainPng(width, height, { type: 2, channels: 3 }, colourOf)
}

/** One that may be transparent, `colourOf(x, y)` four bytes a pixel. */
export function transparentPng(width, height, colourOf) {
  return plainPng(width, height, { type: 6, channels: 4 }, colourOf)
}

/** A grey PNG of eight bits. */
export function greyPng(width, height, greyOf) {
  return plainPng(width, height, { type: 0, channels: 1 }, (x, y) => [greyOf(x, y)])
}

/** What a PNG without filters says: `{width, height, depth, type, pixels}`, its rows without what they begin with. */
export function readPng(bytes) {
  const [width, height] = [bytes.readUInt32BE(16), bytes.readUInt32BE(20)]
  const [depth, type] = [bytes[24], bytes[25]]
  const parts = []
  for (let at = 8; at < bytes.length; ) {
    const length = bytes.readUInt32BE(at)
    if (bytes.toString('latin1', at + 4, at + 8) === 'IDAT') parts.push(bytes.subarray(at + 8, at + 8 + length))
    at += 12 + length
  }
  const rows = inflateSync(Buffer.concat(parts))
  const stride = rows.length / height
  const pixels = Buffer.concat(Array.from({ length: height }, (_, y) => rows.subarray(y * stride + 1, (y + 1) * stride)))
  return { width, height, depth, type, pixels }
}
