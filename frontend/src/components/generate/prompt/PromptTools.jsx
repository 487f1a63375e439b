import { Suspense } from 'react'
import { useTranslation } from 'react-i18next'

import { useDialog } from '../../../hooks/ui/useDialog.js'
import { close, open } from '../../../hooks/ui/useOpened.js'
import { MAX_PROMPTS } from '../../../lib/generate/expand.js'
import FileChip from '../FileChip.jsx'
import Icon from '../../ui/Icon.jsx'
import PlainParts from './PlainParts.jsx'
import TokenMeter from './TokenMeter.jsx'

const DIALOG = 'saved'

function longest(prompts) {
  return prompts.reduce((best, prompt) => (prompt.length > best.length ? prompt : best), '')
}

/** Beneath the prompt: how many prompts it stands for, what they are to the model, and the saved ones. */
export default function PromptTools({ settings, prompts, library, Library, onReplace, onApply }) {
  const { t } = useTranslation()
  const isOpen = useDialog(DIALOG)
  return (
    <>
      <div className="prompt-facts">
        <TokenMeter prompt={longest(prompts)} model={settings.model} />
        {prompts.length > 1 && prompts.length <= MAX_PROMPTS && (
          <p className="prompt-matrix">{t('form.matrix', { count: prompts.length })}</p>
        )}
        <PlainParts prompt={settings.prompt} lists={library.lists} />
      </div>
      <div className="prompt-chips">
        <FileChip onReplace={onReplace} />
        <button type="button" className="chip" aria-haspopup="dialog" onClick={() => open({ dialog: DIALOG })}>
          <Icon name="bookmark" size={14} /> {t('library.open')}
        </button>
      </div>
      {isOpen && (
        <Suspense>
          <Library settings={settings} library={library} onApply={onApply} onClose={close} />
        </Suspense>
      )}
    </>
  )
}
