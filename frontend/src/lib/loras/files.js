const ENDING = /\.(safetensors|sft)$/i
/** What a field for files lets choose. */
export const LORA_FILES = '.safetensors,.sft'

/** Whether a file is named as LoRAs are; what is in it, the server looks at. */
export function isLoraFile({ name }) {
  return ENDING.test(name)
}

/**
 * What dragged files can be, by the kinds that a browser tells before they are dropped, which are no names: `pictures`;
 * `unknown` ones, as LoRAs are; or `neither`. Where it tells nothing they may be anything.
 */
export function kindOfFiles(dataTransfer) {
  const kinds = [...(dataTransfer?.items ?? [])].filter(({ kind }) => kind === 'file').map(({ type }) => type)
  if (kinds.length === 0 || kinds.some((type) => type.startsWith('image/'))) return 'pictures'
  return kinds.some(isUnnamed) ? 'unknown' : 'neither'
}

function isUnnamed(type) {
  return type === '' || type === 'application/octet-stream'
}

/** Whether a file may be a picture: what the browser knows for something else is none. */
export function mayBePicture({ type }) {
  return isUnnamed(type) || type.startsWith('image/')
}
