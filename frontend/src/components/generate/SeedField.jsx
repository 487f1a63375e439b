import { memo } from 'react'
import InputGroup from 'react-bootstrap/InputGroup'
import { useTranslation } from 'react-i18next'

import { useLatestImage } from '../../hooks/images/useLatestImage.js'
import { drawSeed, isRandomSeed, resetOf } from '../../lib/generate/settings.js'
import DigitInput from '../ui/DigitInput.jsx'
import Field from '../ui/Field.jsx'
import Icon from '../ui/Icon.jsx'

function SeedButton({ icon, label, ...button }) {
  return (
    <button type="button" className="input-button" aria-label={label} title={label} {...button}>
      <Icon name={icon} />
    </button>
  )
}

function LockButton({ locked, onChange }) {
  const { t } = useTranslation()
  return (
    <SeedButton
      icon={locked ? 'lock' : 'unlock'}
      label={t('form.seedLock')}
      aria-pressed={locked}
      onClick={() => onChange({ seed_locked: !locked })}
    />
  )
}

/** An optional seed: empty, or −1, lets the server draw one, an unlocked one changes after each request. */
function SeedField({ value, locked, error, onChange }) {
  const { t } = useTranslation()
  const { data: latest } = useLatestImage()
  const isRandom = isRandomSeed(value)
  const hint = t(isRandom ? 'form.seedRandomHint' : locked ? 'form.seedHint' : 'form.seedUnlockedHint')
  const onReset = resetOf({ seed: value, seed_locked: locked }, ['seed', 'seed_locked'], onChange)
  return (
    <Field label={t('form.seed')} error={error} hint={hint} onReset={onReset}>
      {(control) => (
        <InputGroup hasValidation>
          <DigitInput
            {...control}
            placeholder={t('form.seedPlaceholder')}
            value={value}
            isInvalid={Boolean(error)}
            onType={(seed) => onChange({ seed })}
          />
          <SeedButton icon="dice" label={t('form.seedDice')} onClick={() => onChange({ seed: drawSeed() })} />
          <SeedButton
            icon="history"
            label={t('form.seedLast')}
            disabled={latest?.seed === undefined}
            onClick={() => onChange({ seed: String(latest.seed), seed_locked: true })}
          />
          {!isRandom && <LockButton locked={locked} onChange={onChange} />}
        </InputGroup>
      )}
    </Field>
  )
}

export default memo(SeedField)
