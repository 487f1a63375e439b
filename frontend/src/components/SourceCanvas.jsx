import { usePaintedSource } from '../hooks/canvas/usePaintedSource.js'
import CanvasEditor from './canvas/CanvasEditor.jsx'

/** The canvas over the picture that is drawn from. */
export default function SourceCanvas({ edit, onEdit, onClose }) {
  const canvas = usePaintedSource(edit, { onEdit, onClose })
  return canvas && <CanvasEditor {...canvas} />
}
