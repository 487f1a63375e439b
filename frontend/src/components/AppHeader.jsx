import { useTranslation } from 'react-i18next'

import { useSession } from '../hooks/server/useSession.js'
import HeaderDialogs from './HeaderDialogs.jsx'
import LanguageSwitch from './page/LanguageSwitch.jsx'
import ThemeSwitch from './page/ThemeSwitch.jsx'

export default function AppHeader() {
  const { t } = useTranslation()
  const { state } = useSession()
  const isClosed = state === 'closed'
  return (
    <header className="app-header">
      {!isClosed && (
        <a className="skip-link" href="#result">
          {t('app.skip')}
        </a>
      )}
      <div className="brand">
        <img src="favicon.svg" width="32" height="32" alt="" />
        <h1>Z-Image</h1>
        <p>{t('app.tagline')}</p>
      </div>
      <div className="header-controls">
        {!isClosed && <HeaderDialogs />}
        <LanguageSwitch />
        <ThemeSwitch />
      </div>
    </header>
  )
}
