import { useTranslation } from 'react-i18next'

import { useSystemStatus } from '../hooks/useSystemStatus.js'
import { formatGb } from '../lib/format.js'
import './SystemMonitor.css'
import Meter from './Meter.jsx'
import QueryFaces from './QueryFaces.jsx'

function GpuMeters({ gpu }) {
  const { t } = useTranslation()
  const hasMemory = gpu.memory_total_gb > 0 && gpu.memory_used_gb !== null
  const details = [gpu.name, gpu.temperature !== null && t('system.temperature', { value: Math.round(gpu.temperature) })]
  return (
    <>
      <Meter label={t('system.gpu')} percent={gpu.usage_percent} detail={details.filter(Boolean).join(' · ')} />
      {hasMemory && (
        <Meter
          label={t('system.vram')}
          percent={(100 * gpu.memory_used_gb) / gpu.memory_total_gb}
          detail={t('system.usedOf', { used: formatGb(gpu.memory_used_gb), total: formatGb(gpu.memory_total_gb) })}
        />
      )}
    </>
  )
}

function Meters({ status: { cpu, memory, gpu, disk } }) {
  const { t } = useTranslation()
  const frequency = cpu.frequency_mhz > 0 && t('system.frequency', { ghz: (cpu.frequency_mhz / 1000).toFixed(1) })
  const cores = t('system.cores', { count: cpu.cores })
  return (
    <div className="meters">
      <Meter label={t('system.cpu')} percent={cpu.usage_percent} detail={[cores, frequency].filter(Boolean).join(' · ')} />
      <Meter
        label={t('system.memory')}
        percent={memory.usage_percent}
        detail={t('system.usedOf', { used: formatGb(memory.used_gb), total: formatGb(memory.total_gb) })}
      />
      {gpu?.available && <GpuMeters gpu={gpu} />}
      <Meter
        label={t('system.disk')}
        percent={disk.usage_percent}
        detail={t('system.free', { free: formatGb(disk.free_gb) })}
      />
    </div>
  )
}

/** Processor, memory, GPU where there is one, and disk. */
export default function SystemMonitor() {
  const { t } = useTranslation()
  const query = useSystemStatus()
  return (
    <section className="panel system" aria-labelledby="system-title">
      <h2 id="system-title">{t('system.title')}</h2>
      <QueryFaces query={query}>{(status) => <Meters status={status} />}</QueryFaces>
    </section>
  )
}
