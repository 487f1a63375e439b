import Form from 'react-bootstrap/Form'
import { useTranslation } from 'react-i18next'

import { MASK_MODES } from '../../../lib/canvas/settings.js'
import Field from '../../ui/Field.jsx'
import RangeField from '../../ui/RangeField.jsx'
import FeatherField from './FeatherField.jsx'
import Options from './Options.jsx'

/** A share in words: what is there is never said to be 0 %. */
function percentText(share, language) {
  const digits = share < 0.01 ? 2 : 0
  return new Intl.NumberFormat(language, { style: 'percent', maximumFractionDigits: digits }).format(Math.max(share, 0.0001))
}

/** How the mask is used and shown. */
export default function MaskFields({ settings, options, share, isGrowing, change, setOptions }) {
  const { t, i18n } = useTranslation()
  const opacity = Math.round(100 * settings.maskOpacity)
  return (
    <>
      <p className="canvas-share">{share > 0 ? t('canvas.share', { percent: percentText(share, i18n.language) }) : t('canvas.shareNone')}</p>
      <Options
        label={t('canvas.maskMode')}
        value={isGrowing ? MASK_MODES[0] : options.maskMode}
        options={MASK_MODES.map((name) => [name, t(`canvas.maskModes.${name}`)])}
        hint={t(`canvas.maskModeHints.${isGrowing ? 'grown' : options.maskMode}`)}
        isOff={isGrowing}
        onChange={(maskMode) => setOptions({ maskMode })}
      />
      <FeatherField value={options.feather} hint={t('canvas.featherHint')} onChange={(feather) => setOptions({ feather })} />
      <div className="canvas-look">
        <Field label={t('canvas.maskColour')}>
          {(control) => (
            <Form.Control {...control} type="color" value={settings.maskColour} onChange={({ target }) => change({ maskColour: target.value })} />
          )}
        </Field>
        <RangeField
          label={t('canvas.maskOpacity')}
          text={t('canvas.percent', { percent: opacity })}
          value={opacity}
          min={10}
          max={100}
          step={5}
          onChange={(next) => change({ maskOpacity: next / 100 })}
        />
      </div>
    </>
  )
}
