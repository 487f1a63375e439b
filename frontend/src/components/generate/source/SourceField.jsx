import { lazy, memo, Suspense } from 'react'
import { useTranslation } from 'react-i18next'

import { changeEdit, EDIT_FIELDS, grows, growsObjects, STRENGTH_MIN, STRENGTH_STEP, UPSCALES, usualStrength } from '../../../lib/generate/edit.js'
import RangeField from '../../ui/RangeField.jsx'
import './SourceField.css'
import SourceChooser from './SourceChooser.jsx'
import SourcePicture from './SourcePicture.jsx'
import UpscaleField from './UpscaleField.jsx'

const TileAdvice = lazy(() => import('./TileAdvice.jsx'))

const PERCENT = 100

/** How much of the picture is drawn anew. */
function StrengthField({ edit, error, onEdit }) {
  const { t } = useTranslation()
  const strength = edit.strength ?? usualStrength(edit)
  return (
    <RangeField
      label={t('edit.strength')}
      text={`${Math.round(strength * PERCENT)} %`}
      hint={t('edit.strengthHint')}
      error={error}
      value={strength}
      min={STRENGTH_MIN}
      max={1}
      step={STRENGTH_STEP}
      digits={{ step: 1 / PERCENT, scale: PERCENT, unit: '%' }}
      onChange={(value) => onEdit({ strength: value })}
      onReset={edit.strength === null ? undefined : () => onEdit({ strength: null })}
    />
  )
}

/**
 * The picture that is drawn from: chosen, dropped or pasted, with what becomes of it; text alone draws without one.
 *
 * `controls` are the form's; `isGuided` says that the model takes some. `onMask` makes a mask of what is transparent.
 * `arriving` is the name of a picture that is on its way, undefined without one; `onStop` gives it up.
 */
function SourceField({ edit, controls, isGuided, arriving, errors, onChoose, onMask, onStop, onChange }) {
  const { t } = useTranslation()
  const onEdit = (patch) => onChange({ edit: changeEdit(edit, patch) })
  const refused = EDIT_FIELDS.filter((field) => field !== 'strength').map((field) => errors[field])
  const error = refused.find(Boolean)
  const isArriving = arriving !== undefined
  if (!edit) return <SourceChooser arriving={arriving} error={error} onChoose={onChoose} onStop={onStop} />
  return (
    <div role="group" className="source" data-takes="picture" aria-busy={isArriving} aria-labelledby="source-title">
      <p id="source-title">{t('edit.title')}</p>
      <SourcePicture
        edit={edit}
        arriving={arriving}
        onChoose={onChoose}
        onMask={onMask}
        onStop={onStop}
        onEdit={onEdit}
        onRemove={() => onChange({ edit: null })}
      />
      {error && (
        <p className="field-error" role="alert">
          {error}
        </p>
      )}
      <StrengthField edit={edit} error={errors.strength} onEdit={onEdit} />
      {!isArriving && !grows(edit) && <UpscaleField value={edit.upscale} choices={UPSCALES} onChange={(upscale) => onEdit({ upscale })} />}
      <Suspense>
        {!isArriving && growsObjects(edit, controls) && (
          <TileAdvice edit={edit} isGuided={isGuided} onEdit={onEdit} onGuide={(tile) => onChange({ control: [...controls, tile] })} />
        )}
      </Suspense>
    </div>
  )
}

export default memo(SourceField)
