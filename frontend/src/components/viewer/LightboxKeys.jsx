import { usePictureSaver } from '../../hooks/images/usePictureDownload.js'
import { useHotkeys } from '../../hooks/input/useHotkeys.js'

const PAN_PX = 80

/** The keys of the large view: those of the gallery's cards, and those that lead through it. */
export default function LightboxKeys({ zoom, image, total, previous, next, actions, onGo, onReuse, onCompare, onDelete, onInfo }) {
  const saveFile = usePictureSaver()
  const goTo = (index) => index !== null && onGo(index)
  useHotkeys(
    {
      // Of a picture that is larger than the window, the arrows show another part.
      ArrowLeft: () => (zoom.zoomed ? zoom.pan(PAN_PX, 0) : goTo(previous)),
      ArrowRight: () => (zoom.zoomed ? zoom.pan(-PAN_PX, 0) : goTo(next)),
      ArrowUp: () => zoom.pan(0, PAN_PX),
      ArrowDown: () => zoom.pan(0, -PAN_PX),
      Home: () => goTo(previous === null ? null : 0),
      End: () => goTo(next === null ? null : total - 1),
      '+': zoom.zoomIn,
      '=': zoom.zoomIn,
      '-': zoom.zoomOut,
      0: zoom.fit,
      i: onInfo,
      ...(!image.deleted_at && {
        f: () => actions.favour([image.id], !image.favourite),
        x: onDelete,
        Delete: onDelete,
        u: () => onReuse(image),
        s: () => onReuse(image, 'seed'),
        e: () => onReuse(image, 'picture'),
        d: () => saveFile(image),
        v: () => actions.vary(image),
        c: () => onCompare?.(),
      }),
    },
    { inDialog: true },
  )
  return null
}
