/** Says to this page which of its own pictures is dragged; other programs make nothing of it. */
const OWN_TYPE = 'application/x-zimage-picture'

/** Lets a drag carry a picture: as a file with its own name (Chromium), and as an address, which other programs load. */
export function packPicture(dataTransfer, { id, filename, download_url: address }) {
  dataTransfer.effectAllowed = 'copy'
  dataTransfer.setData(OWN_TYPE, id)
  dataTransfer.setData('DownloadURL', `image/png:${filename}:${address}`)
  dataTransfer.setData('text/uri-list', address)
}

export function carriesPicture(dataTransfer) {
  return Boolean(dataTransfer?.types.includes(OWN_TYPE))
}

/** The id of the picture that is dragged. */
export function draggedId(dataTransfer) {
  return dataTransfer.getData(OWN_TYPE)
}
