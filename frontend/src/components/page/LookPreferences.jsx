import { useTranslation } from 'react-i18next'

import { usePreferences } from '../../hooks/kept/usePreferences.js'
import { useMode } from '../../hooks/kept/useMode.js'
import { THEMES, useTheme } from '../../hooks/kept/useTheme.js'
import { LANGUAGES, speak } from '../../i18n/index.js'
import { afterPaint } from '../../lib/afterPaint.js'
import { CARD_MAX_PX, CARD_MIN_PX, CARD_STEP_PX } from '../../lib/images/cards.js'
import RangeField from '../ui/RangeField.jsx'
import Choice from './Choice.jsx'

/** Language, theme, form and cards: what the page's own switches show too. */
export default function LookPreferences() {
  const { t, i18n } = useTranslation()
  const { theme, setTheme } = useTheme()
  const [mode, setMode] = useMode()
  const [{ card_px: cardPx }, change] = usePreferences()
  return (
    <section>
      <h3>{t('prefs.look')}</h3>
      <Choice
        label={t('app.language')}
        value={i18n.language}
        options={LANGUAGES.map(({ code, name }) => [code, name])}
        onChange={(code) => afterPaint(() => speak(i18n, code))}
      />
      <Choice
        label={t('app.theme.label')}
        value={theme}
        options={THEMES.map((name) => [name, t(`app.theme.${name}`)])}
        onChange={setTheme}
      />
      <Choice
        label={t('prefs.mode')}
        value={mode}
        options={['simple', 'advanced'].map((name) => [name, t(`form.mode.${name}`)])}
        onChange={setMode}
      />
      <RangeField
        label={t('prefs.cardSize')}
        text={`${cardPx} px`}
        value={cardPx}
        min={CARD_MIN_PX}
        max={CARD_MAX_PX}
        step={CARD_STEP_PX}
        onChange={(value) => change({ card_px: value })}
      />
    </section>
  )
}
