import Button from 'react-bootstrap/Button'
import Form from 'react-bootstrap/Form'
import { useTranslation } from 'react-i18next'

import { useHasKeyboard } from '../../hooks/input/useHasKeyboard.js'
import Icon from '../ui/Icon.jsx'
import Notice from '../ui/Notice.jsx'

const SHORTCUT_KEY = /Mac|iP(hone|ad)/.test(navigator.platform) ? '⌘' : 'Ctrl'

/** The prompt, and the button that draws by it. `making` is what useMaking answers. */
export default function CanvasBar({ generation, making }) {
  const { t } = useTranslation()
  const hasKeyboard = useHasKeyboard()
  const { prompt, notice, onPrompt, onNotice } = generation
  return (
    <div className="canvas-bar">
      {notice && (
        <Notice
          tone={notice.tone}
          role={notice.tone === 'danger' ? 'alert' : 'status'}
          action={notice.action}
          onDismiss={notice.tone === 'info' ? () => onNotice(null) : undefined}
          dismissLabel={t('common.dismiss')}
        >
          {notice.text}
        </Notice>
      )}
      <Form.Control
        as="textarea"
        rows={1}
        className="canvas-prompt"
        aria-label={t('form.prompt')}
        placeholder={t('form.promptPlaceholder')}
        value={prompt}
        onChange={({ target }) => onPrompt(target.value)}
      />
      <Button aria-disabled={making.isSending} onClick={making.start}>
        <Icon name="spark" size={16} /> {t('form.submit')}
        {hasKeyboard && <kbd>{t('form.shortcut', { key: SHORTCUT_KEY })}</kbd>}
      </Button>
    </div>
  )
}
