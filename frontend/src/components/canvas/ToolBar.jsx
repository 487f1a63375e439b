import { useTranslation } from 'react-i18next'

import { TOOL_KEYS, TOOLS } from '../../lib/canvas/settings.js'
import CanvasIcon from './CanvasIcon.jsx'

/** The tools of the mode. */
export default function ToolBar({ settings, onTool, children }) {
  const { t } = useTranslation()
  return (
    <div className="canvas-tools" role="toolbar" aria-label={t('canvas.tools')}>
      {TOOLS[settings.mode].map((tool) => (
        <button
          key={tool}
          type="button"
          className="canvas-tool"
          aria-label={t(`canvas.tool.${tool}`)}
          aria-pressed={tool === settings.tool}
          aria-keyshortcuts={TOOL_KEYS[tool].toUpperCase()}
          title={t('canvas.withKey', { text: t(`canvas.tool.${tool}`), key: TOOL_KEYS[tool].toUpperCase() })}
          onClick={() => onTool(tool)}
        >
          <CanvasIcon name={tool} size={20} />
        </button>
      ))}
      {children}
    </div>
  )
}
