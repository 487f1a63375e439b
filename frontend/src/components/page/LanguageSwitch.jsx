import { useTranslation } from 'react-i18next'

import { LANGUAGES, speak } from '../../i18n/index.js'
import { afterPaint } from '../../lib/afterPaint.js'

/** One button for each language, each in its own words. */
export default function LanguageSwitch() {
  const { t, i18n } = useTranslation()
  return (
    <div className="segments" role="group" aria-label={t('app.language')}>
      {LANGUAGES.map(({ code, htmlLang, name, short }) => (
        <button
          key={code}
          type="button"
          lang={htmlLang}
          title={name}
          aria-pressed={i18n.language === code}
          onClick={() => afterPaint(() => speak(i18n, code))}
        >
          {short}
        </button>
      ))}
    </div>
  )
}
