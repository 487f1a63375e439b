import { usePaintedSource } from '../hooks/canvas/usePaintedSource.js'
import CanvasEditor from './canvas/CanvasEditor.jsx'

/** The canvas over the picture that is drawn from. */
export default function SourceCanvas({ edit, ...form }) {
  const canvas = usePaintedSource(edit, form)
  return canvas && <CanvasEditor {...canvas} />
}
