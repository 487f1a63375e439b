import { useTranslation } from 'react-i18next'

import { THEMES, useTheme } from '../../hooks/kept/useTheme.js'
import Icon from '../ui/Icon.jsx'

const ICONS = { auto: 'auto', light: 'sun', dark: 'moon' }

/** Chooses between the system's theme, light and dark. */
export default function ThemeSwitch() {
  const { t } = useTranslation()
  const { theme, setTheme } = useTheme()
  return (
    <div className="segments" role="group" aria-label={t('app.theme.label')}>
      {THEMES.map((name) => (
        <button
          key={name}
          type="button"
          aria-pressed={theme === name}
          aria-label={t(`app.theme.${name}`)}
          title={t(`app.theme.${name}`)}
          onClick={() => setTheme(name)}
        >
          <Icon name={ICONS[name]} size={16} />
        </button>
      ))}
    </div>
  )
}
