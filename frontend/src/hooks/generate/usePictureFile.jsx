import { useRef } from 'react'

/** A hidden field for a picture's file: `{open, input}`. `onChoose` is given the file; with `multiple` a list of some. */
export function usePictureFile(onChoose, testId, { multiple = false } = {}) {
  const ref = useRef(null)
  const choose = (event) => {
    const files = [...event.target.files]
    event.target.value = '' // The same file may be chosen again.
    if (files.length > 0) onChoose(multiple ? files : files[0])
  }
  return {
    open: () => ref.current.click(),
    input: <input ref={ref} type="file" accept="image/*" multiple={multiple} hidden data-testid={testId} onChange={choose} />,
  }
}
