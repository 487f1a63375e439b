import { useTranslation } from 'react-i18next'

const MODES = ['simple', 'advanced']

/** Chooses between the few settings that everyone needs and all of them. */
export default function ModeSwitch({ mode, onChange }) {
  const { t } = useTranslation()
  return (
    <div className="segments" role="group" aria-label={t('form.mode.label')}>
      {MODES.map((name) => (
        <button key={name} type="button" aria-pressed={mode === name} onClick={() => onChange(name)}>
          {t(`form.mode.${name}`)}
        </button>
      ))}
    </div>
  )
}
