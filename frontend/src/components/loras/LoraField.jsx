import { lazy, memo, Suspense, useDeferredValue } from 'react'
import { useTranslation } from 'react-i18next'

import { close, open, useOpened } from '../../hooks/ui/useOpened.js'
import { LORAS_MAX } from '../../lib/generate/loras.js'
import Icon from '../ui/Icon.jsx'
import './LoraField.css'

const LoraCards = lazy(() => import('./LoraCards.jsx'))
const LoraPicker = lazy(() => import('./LoraPicker.jsx'))

const DIALOG = 'loras'
/** About as high as a card: what comes after them must not move when they come. */
const CARD_PX = 116

/**
 * The form's LoRAs, and the way to more. `settings` are the form's; `onPrompt` writes its prompt, `onReplace` replaces
 * values as one step that can be taken back, `onRemove` likewise, and says so.
 */
function LoraField({ settings, error, onChange, onPrompt, onReplace, onRemove }) {
  const { t } = useTranslation()
  const { dialog } = useDeferredValue(useOpened())
  const { loras } = settings
  return (
    <div role="group" className="loras wide" aria-labelledby="loras-title">
      <div className="loras-head">
        <p id="loras-title">{t('lora.title')}</p>
        {loras.length < LORAS_MAX && (
          <button type="button" className="chip" aria-haspopup="dialog" onClick={() => open({ dialog: DIALOG })}>
            <Icon name="plus" size={14} /> {t('lora.add')}
          </button>
        )}
      </div>
      {loras.length > 0 && (
        <Suspense fallback={<div style={{ minHeight: loras.length * CARD_PX }} />}>
          <LoraCards
            settings={settings}
            onChange={onChange}
            onPrompt={onPrompt}
            onReplace={onReplace}
            onRemove={onRemove}
          />
        </Suspense>
      )}
      {error && (
        <p className="field-error" role="alert">
          {error}
        </p>
      )}
      {dialog === DIALOG && (
        <Suspense>
          <LoraPicker loras={loras} model={settings.model} onChange={onChange} onClose={close} />
        </Suspense>
      )}
    </div>
  )
}

export default memo(LoraField)
