import { useTranslation } from 'react-i18next'

import { hasStyle, STYLE_NAMES, withStyle } from '../../lib/generate/prompt/styles.js'

/** A style that is taken by a press, and put off by another; `onClick` is told the sentence that says so. */
function Style({ label, isOn, onClick }) {
  const { t } = useTranslation()
  return (
    <button type="button" className="chip" aria-pressed={isOn} onClick={() => onClick(t(isOn ? 'library.styles.removed' : 'library.styles.applied', { name: label }))}>
      {label}
    </button>
  )
}

/** Styles that are there from the beginning. They change the prompt, and nothing else. */
export default function ReadyStyles({ prompt, onApply }) {
  const { t } = useTranslation()
  return (
    <section>
      <h3 id="styles-title">{t('library.styles.title')}</h3>
      <p className="field-hint">{t('library.styles.hint')}</p>
      <div className="ready-styles" role="group" aria-labelledby="styles-title">
        {STYLE_NAMES.map((name) => (
          <Style key={name} label={t(`library.styles.${name}`)} isOn={hasStyle(prompt, name)} onClick={(said) => onApply({ prompt: withStyle(prompt, name) }, said)} />
        ))}
      </div>
    </section>
  )
}
