/** A canvas's context whose pixels are read. */
function readableContext(width, height) {
  const canvas = Object.assign(document.createElement('canvas'), { width, height })
  return canvas.getContext('2d', { willReadFrequently: true })
}

/** The pixels of a picture's file: `{width, height, pixels}`, one number a pixel (see toPixel). Throws where it is none. */
export async function decodePixels(blob) {
  const bitmap = await createImageBitmap(blob, { premultiplyAlpha: 'none', colorSpaceConversion: 'none' })
  const { width, height } = bitmap
  const context = readableContext(width, height)
  context.drawImage(bitmap, 0, 0)
  bitmap.close()
  const { data } = context.getImageData(0, 0, width, height)
  return { width, height, pixels: new Uint32Array(data.buffer) }
}

/** A picture of an address, ready to be drawn. */
export async function loadPicture(url) {
  const image = Object.assign(new Image(), { decoding: 'async', src: url })
  await image.decode()
  return image
}

/** The colour of a loaded picture at a point of a `size` that it is shown in, on white: `[red, green, blue, 255]`. */
export function colourAt(image, { width, height }, { x, y }) {
  const context = readableContext(1, 1)
  context.fillStyle = 'white'
  context.fillRect(0, 0, 1, 1)
  context.drawImage(image, -Math.floor(x), -Math.floor(y), width, height)
  return [...context.getImageData(0, 0, 1, 1).data]
}
