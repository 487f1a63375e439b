import { memo } from 'react'

import { isSameButPrompt, resetOf } from '../lib/settings.js'
import DeviceSwitch from './DeviceSwitch.jsx'
import GuidanceFields from './GuidanceFields.jsx'
import ModelField from './ModelField.jsx'
import SeedField from './SeedField.jsx'
import StepsField from './StepsField.jsx'

/** The settings that most pictures do without. */
function AdvancedFields({ settings, errors, onChange }) {
  const set = (field) => (value) => onChange({ [field]: value })
  const reset = (...fields) => resetOf(settings, fields, onChange)
  return (
    <>
      <StepsField
        value={settings.num_inference_steps}
        model={settings.model}
        error={errors.num_inference_steps}
        onChange={set('num_inference_steps')}
        onReset={reset('num_inference_steps')}
      />
      <SeedField
        value={settings.seed}
        locked={settings.seed_locked}
        error={errors.seed}
        onChange={onChange}
        onReset={reset('seed', 'seed_locked')}
      />
      <ModelField value={settings.model} error={errors.model} onChange={set('model')} onReset={reset('model')} />
      <GuidanceFields settings={settings} errors={errors} onChange={onChange} />
      <DeviceSwitch value={settings.use_gpu} onChange={set('use_gpu')} />
    </>
  )
}

export default memo(AdvancedFields, isSameButPrompt)
