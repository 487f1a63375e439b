import { useTranslation } from 'react-i18next'

import { useSystemHistory, useSystemStatus } from '../hooks/server/useSystemStatus.js'
import { formatGb } from '../lib/format.js'
import { isDiskLow, vramPercent } from '../lib/generate/samples.js'
import './SystemMonitor.css'
import Meter from './monitor/Meter.jsx'
import Workers from './monitor/Workers.jsx'
import Notice from './ui/Notice.jsx'
import QueryFaces from './ui/QueryFaces.jsx'

/** Each meter as `[key, percent, detail]`; those of the GPU only where there is one. */
function useMeters({ cpu, memory, gpu, disk }) {
  const { t } = useTranslation()
  const usedOf = (used, total) => t('system.usedOf', { used: formatGb(used), total: formatGb(total) })
  const frequency = cpu.frequency_mhz > 0 && t('system.frequency', { ghz: (cpu.frequency_mhz / 1000).toFixed(1) })
  const meters = [
    ['cpu', cpu.usage_percent, [t('system.cores', { count: cpu.cores }), frequency]],
    ['memory', memory.usage_percent, [usedOf(memory.used_gb, memory.total_gb)]],
  ]
  if (gpu?.available) {
    const heat = typeof gpu.temperature === 'number' && t('system.temperature', { value: Math.round(gpu.temperature) })
    meters.push(['gpu', gpu.usage_percent, [gpu.name, heat]])
    const vram = vramPercent(gpu)
    if (vram !== null) meters.push(['vram', vram, [usedOf(gpu.memory_used_gb, gpu.memory_total_gb)]])
  }
  meters.push(['disk', disk.usage_percent, [t('system.free', { free: formatGb(disk.free_gb) })]])
  return meters
}

function Meters({ status }) {
  const { t } = useTranslation()
  const samples = useSystemHistory()
  const meters = useMeters(status)
  return (
    <>
      {isDiskLow(status.disk) && (
        <Notice tone="warning">{t('system.diskLow', { free: formatGb(status.disk.free_gb) })}</Notice>
      )}
      {status.fault && (
        <Notice tone="warning">{t(`system.fault.${status.fault.code}`, { defaultValue: status.fault.message })}</Notice>
      )}
      <div className="meters">
        {meters.map(([key, percent, details]) => (
          <Meter
            key={key}
            label={t(`system.${key}`)}
            percent={percent}
            detail={details.filter(Boolean).join(' · ')}
            history={samples.map((sample) => sample[key])}
          />
        ))}
      </div>
      <Workers workers={status.workers} />
    </>
  )
}

function Skeleton() {
  return (
    <div className="meters" aria-hidden="true">
      {['cpu', 'memory', 'disk'].map((key) => (
        <div key={key} className="meter meter-pending" />
      ))}
    </div>
  )
}

/** Processor, memory, GPU where there is one, disk, and the workers where there are several. */
export default function SystemMonitor() {
  const { t } = useTranslation()
  const query = useSystemStatus()
  return (
    <section className="panel system" aria-labelledby="system-title">
      <h2 id="system-title">{t('system.title')}</h2>
      <QueryFaces query={query} pending={<Skeleton />}>
        {(status) => <Meters status={status} />}
      </QueryFaces>
    </section>
  )
}
