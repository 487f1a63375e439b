import { lazy, memo, Suspense } from 'react'
import { useTranslation } from 'react-i18next'

import { usePictureFile } from '../../../hooks/generate/usePictureFile.jsx'
import { useModels } from '../../../hooks/server/useModels.js'
import { CONTROLS_MAX, INPAINT, inpaintControl } from '../../../lib/generate/control.js'
import { isMasked } from '../../../lib/generate/edit.js'
import Icon from '../../ui/Icon.jsx'
import './ControlField.css'

const ControlItem = lazy(() => import('./ControlItem.jsx'))
/** About as high as one: what comes after them must not move when they come. */
const ITEM_PX = 300

/**
 * Pictures that guide the composition, where there is a ControlNet on this machine; `edit` is what is drawn from, of
 * which a ControlNet may see what is around the mask. `arriving` are the names of pictures that are on their way.
 */
function ControlField({ controls, arriving = [], edit, error, onChoose, onChange }) {
  const { t } = useTranslation()
  const { data } = useModels()
  const { open, input } = usePictureFile(onChoose, 'control-file')
  const nets = data?.controls ?? []
  if (nets.length === 0 && controls.length === 0) return null
  const change = (at, patch) => onChange({ control: controls.map((one, index) => (index === at ? { ...one, ...patch } : one)) })
  const isArriving = arriving.length > 0
  const hasRoom = controls.length + arriving.length < CONTROLS_MAX
  const seesAround = isMasked(edit) && nets.some((net) => net.takes_mask) && controls.every(({ kind }) => kind !== INPAINT)
  return (
    <div role="group" className="control" data-takes={hasRoom ? 'control' : undefined} aria-busy={isArriving} aria-labelledby="control-title">
      <p id="control-title">{t('control.title')}</p>
      {controls.length > 0 && (
        <Suspense fallback={<div style={{ minHeight: controls.length * ITEM_PX }} />}>
          <ol>
            {controls.map((control, at) => (
              <ControlItem
                key={`${control.image} ${at}`}
                control={control}
                edit={edit}
                nets={nets}
                onChange={(patch) => change(at, patch)}
                onRemove={() => onChange({ control: controls.filter((_, index) => index !== at) })}
              />
            ))}
          </ol>
        </Suspense>
      )}
      {isArriving && <p className="field-hint">{t('edit.loading', { name: arriving.join(', ') })}</p>}
      {error && <p className="field-error">{error}</p>}
      {hasRoom && (
        <div className="control-actions">
          <button type="button" className="chip" onClick={open}>
            <Icon name="picture" size={14} /> {t('control.add')}
          </button>
          {seesAround && (
            <button type="button" className="chip" onClick={() => onChange({ control: [...controls, inpaintControl(nets)] })}>
              <Icon name="brush" size={14} /> {t('control.addAround')}
            </button>
          )}
        </div>
      )}
      {input}
    </div>
  )
}

export default memo(ControlField)
