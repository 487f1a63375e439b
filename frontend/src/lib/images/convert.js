const QUALITY = 0.92

/** A picture's bytes in another format, made by the browser. What the file told of its settings is lost. */
export async function convertPicture(blob, type) {
  const bitmap = await createImageBitmap(blob)
  const canvas = Object.assign(document.createElement('canvas'), { width: bitmap.width, height: bitmap.height })
  canvas.getContext('2d').drawImage(bitmap, 0, 0)
  const converted = await new Promise((resolve) => canvas.toBlob(resolve, type, QUALITY))
  // A browser that cannot write a format answers a PNG.
  if (converted?.type !== type) throw new Error(`this browser writes no ${type}`)
  return converted
}
