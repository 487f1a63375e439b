import { useId } from 'react'

const HIGH = 90

/** A labelled gauge. `percent` may be null where the machine does not tell. */
export default function Meter({ label, percent, detail }) {
  const id = useId()
  const known = typeof percent === 'number'
  return (
    <div className={`meter ${known && percent >= HIGH ? 'meter-high' : ''}`}>
      <div className="meter-head">
        <span id={id}>{label}</span>
        <span className="meter-value">{known ? `${Math.round(percent)} %` : '–'}</span>
      </div>
      <meter aria-labelledby={id} min={0} max={100} value={known ? percent : 0} />
      <p className="meter-detail">{detail}</p>
    </div>
  )
}
