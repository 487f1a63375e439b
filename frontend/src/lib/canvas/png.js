const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]
/** Colour types of PNG. */
const KINDS = { grey: { type: 0, channels: 1 }, rgba: { type: 6, channels: 4 } }
const DEPTH = 8

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let rest = byte
  for (let bit = 0; bit < 8; bit += 1) rest = rest & 1 ? 0xedb88320 ^ (rest >>> 1) : rest >>> 1
  return rest
})

/** The checksum of PNG's chunks. */
export function crc32(bytes) {
  let crc = 0xffffffff
  for (const byte of bytes) crc = TABLE[(crc ^ byte) & 0xff] ^ (crc >>> 8)
  return (crc ^ 0xffffffff) >>> 0
}

function chunk(name, data) {
  const bytes = new Uint8Array(12 + data.length)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, data.length)
  bytes.set([...name].map((letter) => letter.charCodeAt(0)), 4)
  bytes.set(data, 8)
  view.setUint32(8 + data.length, crc32(bytes.subarray(4, 8 + data.length)))
  return bytes
}

function header({ width, height }, type) {
  const bytes = new Uint8Array(13)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, width)
  view.setUint32(4, height)
  bytes.set([DEPTH, type], 8)
  return bytes
}

/** Each row begins with the filter it went through: none. */
function scanlines(bytes, { width, height }, channels) {
  const stride = width * channels
  const rows = new Uint8Array(height * (stride + 1))
  for (let y = 0; y < height; y += 1) rows.set(bytes.subarray(y * stride, (y + 1) * stride), y * (stride + 1) + 1)
  return rows
}

async function deflate(bytes) {
  const packed = new Response(new Response(bytes).body.pipeThrough(new CompressionStream('deflate')))
  return new Uint8Array(await packed.arrayBuffer())
}

async function encode(bytes, size, { type, channels }) {
  const data = await deflate(scanlines(bytes, size, channels))
  const parts = [Uint8Array.from(SIGNATURE), chunk('IHDR', header(size, type)), chunk('IDAT', data), chunk('IEND', new Uint8Array())]
  return new Blob(parts, { type: 'image/png' })
}

/** A PNG with one grey a pixel, to the bit what is given: a canvas would write four channels. */
export function encodeGrey(mask, size) {
  return encode(mask, size, KINDS.grey)
}

/** A PNG of a sketch's pixels (see toPixel), to the bit: a canvas would round what shines through. */
export function encodeRgba(pixels, size) {
  return encode(new Uint8Array(pixels.buffer, pixels.byteOffset, pixels.byteLength), size, KINDS.rgba)
}
