import { Suspense } from 'react'
import { useTranslation } from 'react-i18next'

import { useDialog } from '../../../hooks/ui/useDialog.js'
import { close, open } from '../../../hooks/ui/useOpened.js'
import FileChip from '../FileChip.jsx'
import Icon from '../../ui/Icon.jsx'

const DIALOG = 'saved'

/** Beneath the prompt: the ways to settings that are written already. */
export default function PromptTools({ settings, library, Library, onReplace, onApply }) {
  const { t } = useTranslation()
  const isOpen = useDialog(DIALOG)
  return (
    <>
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
