import { useTranslation } from 'react-i18next'

import TrayItem from './TrayItem.jsx'

/** What is being drawn from the canvas, and what has come of it, newest first. */
export default function Tray({ making }) {
  const { t } = useTranslation()
  if (making.tasks.length === 0) return null
  return (
    <ul className="canvas-tray" aria-label={t('canvas.results')}>
      {making.tasks.map((task) => (
        <TrayItem key={task.id} task={task} making={making} />
      ))}
    </ul>
  )
}
