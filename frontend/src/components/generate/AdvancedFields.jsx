import { memo } from 'react'

import { isSameButPrompt } from '../../lib/generate/settings.js'
import DeviceSwitch from './DeviceSwitch.jsx'
import GuidanceFields from './GuidanceFields.jsx'
import ModelField from './ModelField.jsx'
import SeedField from './SeedField.jsx'
import ShiftField from './ShiftField.jsx'
import StepsField from './StepsField.jsx'

/** The settings that most pictures do without. A change of one draws that one anew. */
function AdvancedFields({ settings, errors, onChange }) {
  return (
    <>
      <StepsField
        value={settings.num_inference_steps}
        model={settings.model}
        error={errors.num_inference_steps}
        onChange={onChange}
      />
      <SeedField value={settings.seed} locked={settings.seed_locked} error={errors.seed} onChange={onChange} />
      <ModelField value={settings.model} error={errors.model} onChange={onChange} />
      <GuidanceFields settings={settings} errors={errors} onChange={onChange} />
      <ShiftField value={settings.shift} model={settings.model} error={errors.shift} onChange={onChange} />
      <DeviceSwitch value={settings.use_gpu} onChange={onChange} />
    </>
  )
}

export default memo(AdvancedFields, isSameButPrompt)
