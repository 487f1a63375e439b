import Form from 'react-bootstrap/Form'
import { useTranslation } from 'react-i18next'

import { useHasGpu } from '../hooks/useSystemStatus.js'

/** GPU or CPU. On a machine without a GPU it says so. */
export default function DeviceSwitch({ value, onChange }) {
  const { t } = useTranslation()
  const hasGpu = useHasGpu()
  const available = value ? t('form.gpuOn') : t('form.gpuOff')
  return (
    <div className="field device-switch">
      <Form.Check
        type="switch"
        id="use-gpu"
        label={t('form.gpu')}
        aria-describedby="use-gpu-hint"
        checked={value}
        onChange={(event) => onChange(event.target.checked)}
      />
      <p id="use-gpu-hint" className="field-hint">
        {hasGpu === false ? t('form.gpuMissing') : available}
      </p>
    </div>
  )
}
