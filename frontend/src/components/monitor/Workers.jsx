import { useTranslation } from 'react-i18next'

import { useDrainWorker } from '../../hooks/server/useDrainWorker.js'
import { formatGb } from '../../lib/format.js'

const TROUBLED = ['failed', 'given_up', 'refused']

function useFacts({ node, card, device, memory_gb: memoryGb, model }) {
  const { t } = useTranslation()
  const memory = typeof memoryGb === 'number' && t('system.workers.memory', { gb: formatGb(memoryGb) })
  return [node, card || device, memory, model].filter(Boolean).join(' · ')
}

function Worker({ worker, isPending, onDrain }) {
  const { t } = useTranslation()
  const facts = useFacts(worker)
  const state = worker.drained ? 'drained' : worker.state
  const action = worker.drained ? t('system.workers.resume') : t('system.workers.drain')
  return (
    <li className={`worker ${TROUBLED.includes(state) ? 'worker-troubled' : ''}`}>
      <div className="worker-head">
        <span className="worker-name">{worker.id}</span>
        <span className="worker-state">{t(`system.workers.${state}`)}</span>
        <button
          type="button"
          className="btn btn-sm btn-outline-secondary"
          disabled={isPending}
          aria-label={`${action}: ${worker.id}`}
          onClick={() => onDrain({ workerId: worker.id, drain: !worker.drained })}
        >
          {action}
        </button>
      </div>
      <p className="meter-detail">{facts}</p>
      {worker.note && <p className="worker-note">{worker.note}</p>}
    </li>
  )
}

/** Who draws, a card each; one alone is what the meters show. */
export default function Workers({ workers = [] }) {
  const { t } = useTranslation()
  const drain = useDrainWorker()
  if (workers.length < 2) return null
  return (
    <section className="workers" aria-labelledby="workers-title">
      <h3 id="workers-title">{t('system.workers.title')}</h3>
      <ul>
        {workers.map((worker) => (
          <Worker key={worker.id} worker={worker} isPending={drain.isPending} onDrain={drain.mutate} />
        ))}
      </ul>
      {drain.error && (
        <p className="field-error" role="alert">
          {t('system.workers.refused_change')}
        </p>
      )}
    </section>
  )
}
