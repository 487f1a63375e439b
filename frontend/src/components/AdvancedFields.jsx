import DeviceSwitch from './DeviceSwitch.jsx'
import GuidanceFields from './GuidanceFields.jsx'
import ModelField from './ModelField.jsx'
import SeedField from './SeedField.jsx'
import StepsField from './StepsField.jsx'

/** The settings that most pictures do without. `resetOf` answers a field's reset, or undefined at its default. */
export default function AdvancedFields({ settings, errors, onChange, resetOf }) {
  const set = (field) => (value) => onChange({ [field]: value })
  return (
    <>
      <StepsField
        value={settings.num_inference_steps}
        model={settings.model}
        error={errors.num_inference_steps}
        onChange={set('num_inference_steps')}
        onReset={resetOf('num_inference_steps')}
      />
      <SeedField
        value={settings.seed}
        locked={settings.seed_locked}
        error={errors.seed}
        onChange={onChange}
        onReset={resetOf('seed', 'seed_locked')}
      />
      <ModelField value={settings.model} error={errors.model} onChange={set('model')} onReset={resetOf('model')} />
      <GuidanceFields settings={settings} errors={errors} onChange={onChange} resetOf={resetOf} />
      <DeviceSwitch value={settings.use_gpu} onChange={set('use_gpu')} />
    </>
  )
}
