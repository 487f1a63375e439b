import { memo, useDeferredValue } from 'react'
import Button from 'react-bootstrap/Button'
import { useTranslation } from 'react-i18next'

import { secondsOf, useEstimate } from '../../hooks/generate/useEstimate.js'
import { useUnanswered } from '../../hooks/generate/useGenerate.js'
import { useDoubleClick } from '../../hooks/input/useDoubleClick.js'
import { useLasting } from '../../hooks/ui/useLasting.js'
import { useHasKeyboard } from '../../hooks/input/useHasKeyboard.js'
import { isSameButPrompt } from '../../lib/generate/settings.js'
import Notice from '../ui/Notice.jsx'
import Outlook from './Outlook.jsx'

/** A server that answers sooner leaves the button alone. */
const SLOW_MS = 400
const SHORTCUT_KEY = /Mac|iP(hone|ad)/.test(navigator.platform) ? '⌘' : 'Ctrl'

function SubmitText({ count }) {
  const { t } = useTranslation()
  const unanswered = useUnanswered()
  const isSlow = useLasting(unanswered > 0, SLOW_MS)
  if (isSlow) return unanswered > 1 ? t('form.submittingMany', { count: unanswered }) : t('form.submitting')
  return count > 1 ? t('form.submitMany', { count }) : t('form.submit')
}

/**
 * The buttons, what they will cost, and why the last request was refused as a whole: always in sight.
 *
 * `tasks` and `pictures` are those of plannedOf; `waiting` is how many presses wait for a picture.
 */
function FormActions({ settings, error, waiting, tasks, pictures, onReset, onSize }) {
  const { t } = useTranslation()
  const onClick = useDoubleClick()
  const hasKeyboard = useHasKeyboard()
  const estimate = useEstimate(useDeferredValue(settings)) // said a moment later: the click comes first
  return (
    <div className="form-actions">
      {error && (
        <Notice tone="danger" role="alert">
          {error}
        </Notice>
      )}
      {waiting > 0 && <p className="form-waiting">{t('form.waiting', { count: waiting })}</p>}
      <Button type="submit" size="lg" onClick={onClick}>
        <SubmitText count={pictures} />
        {hasKeyboard && <kbd>{t('form.shortcut', { key: SHORTCUT_KEY })}</kbd>}
      </Button>
      <Button variant="link" onClick={onReset}>
        {t('form.reset')}
      </Button>
      <Outlook estimate={estimate} seconds={secondsOf(estimate, pictures)} tasks={tasks} onSize={onSize} />
    </div>
  )
}

export default memo(FormActions, isSameButPrompt)
