import { useId } from 'react'
import { useTranslation } from 'react-i18next'

import Sparkline from './Sparkline.jsx'

const HIGH = 90
/** Five minutes at one sample in five seconds. */
const LENGTH = 60

function History({ label, values }) {
  const { t } = useTranslation()
  const known = values.filter((value) => typeof value === 'number')
  const text = t('system.history', {
    name: label,
    low: Math.round(Math.min(...known)),
    high: Math.round(Math.max(...known)),
  })
  return <Sparkline values={values} length={LENGTH} label={text} />
}

/** A labelled gauge with its past. `percent` may be null where the machine does not tell. */
export default function Meter({ label, percent, detail, history = [] }) {
  const id = useId()
  const known = typeof percent === 'number'
  return (
    <div className={`meter ${known && percent >= HIGH ? 'meter-high' : ''}`}>
      <div className="meter-head">
        <span id={id}>{label}</span>
        <span className="meter-value">{known ? `${Math.round(percent)} %` : '–'}</span>
      </div>
      <meter aria-labelledby={id} min={0} max={100} value={known ? percent : 0} />
      {history.some((value) => typeof value === 'number') && <History label={label} values={history} />}
      <p className="meter-detail">{detail}</p>
    </div>
  )
}
