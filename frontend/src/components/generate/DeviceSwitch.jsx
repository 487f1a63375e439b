import { memo } from 'react'
import Form from 'react-bootstrap/Form'
import { useTranslation } from 'react-i18next'

import { useHasNoCard, useSystemStatus } from '../../hooks/server/useSystemStatus.js'
import { formatGb } from '../../lib/format.js'

/** What the chosen device is, as far as the machine tells. */
function useDeviceText(useGpu, isMissing) {
  const { t } = useTranslation()
  const { data } = useSystemStatus()
  if (isMissing) return t('form.gpuMissing')
  if (!useGpu) return t('form.gpuOff')
  const { name, memory_total_gb: memory } = data?.gpu ?? {}
  const gpu = [name, memory > 0 && `${formatGb(memory)} GB`].filter(Boolean).join(', ')
  return gpu ? t('form.gpuNamed', { gpu }) : t('form.gpuOn')
}

/** GPU or CPU, and what this machine has. Without a GPU there is nothing to choose; the choice stays for when there is. */
function DeviceSwitch({ value, onChange }) {
  const { t } = useTranslation()
  const isMissing = useHasNoCard()
  return (
    <div className="field device-switch">
      <Form.Check
        type="switch"
        id="use-gpu"
        label={t('form.gpu')}
        aria-describedby="use-gpu-hint"
        checked={value && !isMissing}
        disabled={isMissing}
        onChange={(event) => onChange({ use_gpu: event.target.checked })}
      />
      <p id="use-gpu-hint" className="field-hint">
        {useDeviceText(value, isMissing)}
      </p>
    </div>
  )
}

export default memo(DeviceSwitch)
