import { lazy, startTransition, Suspense, useState } from 'react'
import { useTranslation } from 'react-i18next'

import { useFold } from '../hooks/ui/useFold.js'
import { useHotkeys } from '../hooks/ui/useHotkeys.js'
import Icon from './ui/Icon.jsx'
import LogOutButton from './session/LogOutButton.jsx'

const DIALOGS = {
  models: lazy(() => import('./models/ModelDialog.jsx')),
  help: lazy(() => import('./page/HelpDialog.jsx')),
  preferences: lazy(() => import('./page/PreferencesDialog.jsx')),
}
const ICONS = { models: 'layers', help: 'help', preferences: 'sliders' }

/** The buttons of the page's own dialogs (models, help, settings), and the way out. */
export default function HeaderDialogs() {
  const { t } = useTranslation()
  const [open, setOpen] = useState(null)
  const show = (name) => startTransition(() => setOpen(name))
  const { unfold } = useFold()
  const goToPrompt = () => {
    unfold()
    document.querySelector('.prompt')?.focus()
  }
  useHotkeys({ '?': () => show('help'), '/': goToPrompt })
  const Dialog = DIALOGS[open]
  return (
    <>
      <div className="segments">
        {Object.keys(DIALOGS).map((name) => (
          <button
            key={name}
            type="button"
            aria-haspopup="dialog"
            aria-label={t(`${name}.title`)}
            title={t(`${name}.title`)}
            onClick={() => show(name)}
          >
            <Icon name={ICONS[name]} size={16} />
          </button>
        ))}
        <LogOutButton />
      </div>
      <Suspense>{Dialog && <Dialog onClose={() => setOpen(null)} />}</Suspense>
    </>
  )
}
