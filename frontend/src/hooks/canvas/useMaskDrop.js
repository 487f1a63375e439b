import { useState } from 'react'

const carriesFiles = ({ dataTransfer }) => [...(dataTransfer?.types ?? [])].includes('Files')
const pictureIn = (files) => [...(files ?? [])].find(({ type }) => type.startsWith('image/')) ?? files?.[0]

/** Takes files that are dropped or pasted into the editor; the page behind it does not hear of them. */
export function useMaskDrop(onFile) {
  const [depth, setDepth] = useState(0)
  const take = (files) => {
    const file = pictureIn(files)
    if (file) onFile(file)
  }
  const own = (work) => (event) => {
    if (!carriesFiles(event)) return
    event.preventDefault()
    event.stopPropagation()
    work(event)
  }
  const onPaste = (event) => {
    if (!event.clipboardData?.files.length) return
    event.preventDefault()
    event.stopPropagation()
    take(event.clipboardData.files)
  }
  const handlers = {
    onPaste,
    onDragEnter: own(() => setDepth((now) => now + 1)),
    onDragLeave: own(() => setDepth((now) => Math.max(0, now - 1))),
    onDragOver: own(() => {}),
    onDrop: own((event) => {
      setDepth(0)
      take(event.dataTransfer.files)
    }),
  }
  return { isHovering: depth > 0, handlers }
}
