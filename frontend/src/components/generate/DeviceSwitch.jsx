import { memo } from 'react'
import Form from 'react-bootstrap/Form'
import { useTranslation } from 'react-i18next'

import { useSystemStatus } from '../../hooks/server/useSystemStatus.js'
import { formatGb } from '../../lib/format.js'

/** What the chosen device is, as far as the machine tells. */
function useDeviceText(useGpu) {
  const { t } = useTranslation()
  const { data } = useSystemStatus()
  if (data && !data.gpu?.available) return t('form.gpuMissing')
  if (!useGpu) return t('form.gpuOff')
  const { name, memory_total_gb: memory } = data?.gpu ?? {}
  const gpu = [name, memory > 0 && `${formatGb(memory)} GB`].filter(Boolean).join(', ')
  return gpu ? t('form.gpuNamed', { gpu }) : t('form.gpuOn')
}

/** GPU or CPU, and what this machine has. */
function DeviceSwitch({ value, onChange }) {
  const { t } = useTranslation()
  return (
    <div className="field device-switch">
      <Form.Check
        type="switch"
        id="use-gpu"
        label={t('form.gpu')}
        aria-describedby="use-gpu-hint"
        checked={value}
        onChange={(event) => onChange({ use_gpu: event.target.checked })}
      />
      <p id="use-gpu-hint" className="field-hint">
        {useDeviceText(value)}
      </p>
    </div>
  )
}

export default memo(DeviceSwitch)
