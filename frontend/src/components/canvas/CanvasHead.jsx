import Button from 'react-bootstrap/Button'
import { useTranslation } from 'react-i18next'

import { useHasKeyboard } from '../../hooks/input/useHasKeyboard.js'
import { MODE_KEYS, MODES } from '../../lib/canvas/settings.js'
import Icon from '../ui/Icon.jsx'
import CanvasIcon from './CanvasIcon.jsx'

/** What is edited, steps back and forth, and the way out. */
export default function CanvasHead({ state, mode, act, isHelping, isLeaving, onDone }) {
  const { t } = useTranslation()
  const hasKeyboard = useHasKeyboard()
  const icon = (text, key, onClick, enabled, glyph) => (
    <button
      type="button"
      className="icon-button"
      aria-label={text}
      title={t('canvas.withKey', { text, key })}
      aria-disabled={!enabled}
      onClick={onClick}
    >
      {glyph}
    </button>
  )
  return (
    <div className="canvas-head">
      <h2 id="canvas-title">{t('canvas.title')}</h2>
      <div className="segments canvas-modes" role="group" aria-label={t('canvas.mode')}>
        {MODES.map((name) => (
          <button key={name} type="button" aria-pressed={name === mode} aria-keyshortcuts={MODE_KEYS[name].toUpperCase()} onClick={() => act.mode(name)}>
            <span>
              <CanvasIcon name={name} size={15} /> {t(`canvas.modes.${name}`)}
            </span>
          </button>
        ))}
      </div>
      <div className="canvas-steps">
        {icon(t('canvas.undo'), 'Ctrl+Z', act.undo, state.canUndo, <Icon name="undo" />)}
        {icon(t('canvas.redo'), 'Ctrl+Y', act.redo, state.canRedo, <CanvasIcon name="redo" />)}
        {hasKeyboard && (
          <button
            type="button"
            className="icon-button"
            aria-label={t('canvas.help')}
            aria-expanded={isHelping}
            title={t('canvas.withKey', { text: t('canvas.help'), key: '?' })}
            onClick={act.help}
          >
            <Icon name="help" />
          </button>
        )}
      </div>
      <Button variant="primary" size="sm" aria-disabled={isLeaving} onClick={onDone}>
        <Icon name="check" size={16} /> {isLeaving ? t('canvas.leaving') : t('canvas.done')}
      </Button>
    </div>
  )
}
