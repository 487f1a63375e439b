const ENDING = /\.(safetensors|sft)$/i
/** What a field for files lets choose. */
export const LORA_FILES = '.safetensors,.sft'

/** Whether a file is named as LoRAs are; what is in it, the server looks at. */
export function isLoraFile({ name }) {
  return ENDING.test(name)
}

/** True where what is dragged can be no picture: the browser tells the kinds of files before they are dropped, not their names. */
export function carriesNoPicture(dataTransfer) {
  const kinds = [...(dataTransfer?.items ?? [])].filter(({ kind }) => kind === 'file').map(({ type }) => type)
  return kinds.length > 0 && kinds.every((type) => type === '' || type === 'application/octet-stream')
}
