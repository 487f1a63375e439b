import { lazy, Suspense, useDeferredValue } from 'react'
import { useTranslation } from 'react-i18next'

import { useFold } from '../hooks/kept/useFold.js'
import { useHotkeys } from '../hooks/input/useHotkeys.js'
import { close, open, useOpened } from '../hooks/ui/useOpened.js'
import Icon from './ui/Icon.jsx'
import LogOutButton from './session/LogOutButton.jsx'

const DIALOGS = {
  models: lazy(() => import('./models/ModelDialog.jsx')),
  help: lazy(() => import('./page/HelpDialog.jsx')),
  preferences: lazy(() => import('./page/PreferencesDialog.jsx')),
}
const ICONS = { models: 'layers', help: 'help', preferences: 'sliders' }

/** The buttons of the page's own dialogs (models, help, settings), which the address names, and the way out. */
export default function HeaderDialogs() {
  const { t } = useTranslation()
  const show = (name) => open({ dialog: name })
  const { unfold } = useFold()
  const goToPrompt = () => {
    unfold()
    document.querySelector('.prompt')?.focus()
  }
  useHotkeys({ '?': () => show('help'), '/': goToPrompt })
  // The click itself must not wait for a dialog. Names that the address makes up are none of ours.
  const { dialog } = useDeferredValue(useOpened())
  const Dialog = DIALOGS[Object.hasOwn(DIALOGS, dialog) ? dialog : null]
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
      <Suspense>{Dialog && <Dialog onClose={close} />}</Suspense>
    </>
  )
}
