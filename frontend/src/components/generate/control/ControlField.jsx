import { memo } from 'react'
import { useTranslation } from 'react-i18next'

import { usePictureFile } from '../../../hooks/generate/usePictureFile.jsx'
import { useModels } from '../../../hooks/server/useModels.js'
import { CONTROLS_MAX } from '../../../lib/generate/control.js'
import Icon from '../../ui/Icon.jsx'
import './ControlField.css'
import ControlItem from './ControlItem.jsx'

/** Pictures that guide the composition, where there is a ControlNet on this machine. */
function ControlField({ controls, error, onChoose, onChange }) {
  const { t } = useTranslation()
  const { data } = useModels()
  const { open, input } = usePictureFile(onChoose, 'control-file')
  const nets = data?.controls ?? []
  if (nets.length === 0 && controls.length === 0) return null
  const change = (at, patch) => onChange({ control: controls.map((one, index) => (index === at ? { ...one, ...patch } : one)) })
  return (
    <div role="group" className="control" aria-labelledby="control-title">
      <p id="control-title">{t('control.title')}</p>
      {controls.length > 0 && (
        <ol>
          {controls.map((control, at) => (
            <ControlItem
              key={`${control.image} ${at}`}
              control={control}
              nets={nets}
              onChange={(patch) => change(at, patch)}
              onRemove={() => onChange({ control: controls.filter((_, index) => index !== at) })}
            />
          ))}
        </ol>
      )}
      {error && <p className="field-error">{error}</p>}
      {controls.length < CONTROLS_MAX && (
        <button type="button" className="chip" onClick={open}>
          <Icon name="picture" size={14} /> {t('control.add')}
        </button>
      )}
      {input}
    </div>
  )
}

export default memo(ControlField)
