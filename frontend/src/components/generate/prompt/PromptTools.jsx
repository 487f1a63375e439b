import { startTransition, Suspense, useState } from 'react'
import { useTranslation } from 'react-i18next'

import FileChip from '../FileChip.jsx'
import Icon from '../../ui/Icon.jsx'

/** Beneath the prompt: the ways to settings that are written already. */
export default function PromptTools({ settings, library, Library, onReplace, onApply }) {
  const { t } = useTranslation()
  const [open, setOpen] = useState(false)
  return (
    <>
      <div className="prompt-chips">
        <FileChip onReplace={onReplace} />
        <button type="button" className="chip" onClick={() => startTransition(() => setOpen(true))}>
          <Icon name="bookmark" size={14} /> {t('library.open')}
        </button>
      </div>
      {open && (
        <Suspense>
          <Library settings={settings} library={library} onApply={onApply} onClose={() => setOpen(false)} />
        </Suspense>
      )}
    </>
  )
}
