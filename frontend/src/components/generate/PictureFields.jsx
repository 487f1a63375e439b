import { lazy, Suspense } from 'react'

import { namesOf } from '../../hooks/images/inputs/useArrivals.js'
import { can } from '../../lib/generate/abilities.js'
import ControlField from './control/ControlField.jsx'
import './references/ReferenceField.css'
import SourceField from './source/SourceField.jsx'

const ReferenceField = lazy(() => import('./references/ReferenceField.jsx'))

/** About as high as references are: what comes after them must not move when they come. */
const [EMPTY_PX, FULL_PX] = [64, 260]

/**
 * The pictures that are drawn from, as the chosen model can: one that is changed, those that guide, or references.
 *
 * `sources` is what useSources answers, `arrivals` what useArrivals does; `onReplace` replaces values and says so, with a sentence.
 */
export default function PictureFields({ settings, model, errors, sources, arrivals, onChange, onReplace }) {
  const { edit, control, references } = settings
  const { arriving, stop } = arrivals
  const isGuided = can(model, 'control')
  return (
    <>
      {can(model, 'image') && (
        <SourceField
          edit={edit}
          controls={control}
          isGuided={isGuided}
          arriving={namesOf(arriving, 'edit')[0]}
          errors={errors}
          onChoose={sources.drawFrom}
          onMask={sources.maskTransparent}
          onStop={() => stop('edit')}
          onChange={onChange}
        />
      )}
      {isGuided && (
        <ControlField
          controls={control}
          arriving={namesOf(arriving, 'control')}
          edit={edit}
          error={errors.control}
          onChoose={sources.guideBy}
          onChange={onChange}
        />
      )}
      {can(model, 'references') && (
        <Suspense fallback={<div className="references references-empty" style={{ minHeight: references.length > 0 ? FULL_PX : EMPTY_PX }} />}>
          <ReferenceField
            references={references}
            arriving={namesOf(arriving, 'references')}
            width={settings.width}
            height={settings.height}
            sizes={model?.sizes}
            error={errors.references}
            onAdd={sources.refer}
            onChange={onChange}
            onReplace={onReplace}
          />
        </Suspense>
      )}
    </>
  )
}
