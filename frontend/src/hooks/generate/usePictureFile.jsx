import { useRef } from 'react'

/** A hidden field for a picture's file: `{open, input}`. `onChoose` is given the file. */
export function usePictureFile(onChoose, testId) {
  const ref = useRef(null)
  const choose = (event) => {
    const [file] = event.target.files
    event.target.value = '' // The same file may be chosen again.
    if (file) onChoose(file)
  }
  return {
    open: () => ref.current.click(),
    input: <input ref={ref} type="file" accept="image/*" hidden data-testid={testId} onChange={choose} />,
  }
}
