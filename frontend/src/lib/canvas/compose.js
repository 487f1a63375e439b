function load(url) {
  return new Promise((resolve, reject) => {
    const image = new Image()
    image.onload = () => resolve(image)
    image.onerror = () => reject(new Error('the picture cannot be loaded'))
    image.src = url
  })
}

/** The size of the picture at an address, in pixels. */
export async function sizeOf(url) {
  const { naturalWidth: width, naturalHeight: height } = await load(url)
  return { width, height }
}

/** A PNG of a picture `{url, width, height}` with a sketch, a Blob of the same size, over it. */
export async function composite({ url, width, height }, sketch) {
  const canvas = new OffscreenCanvas(width, height)
  const context = canvas.getContext('2d')
  const layer = await createImageBitmap(sketch)
  context.drawImage(await load(url), 0, 0)
  context.drawImage(layer, 0, 0)
  layer.close()
  return canvas.convertToBlob({ type: 'image/png' })
}
