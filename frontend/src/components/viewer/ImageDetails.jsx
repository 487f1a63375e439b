import { useTranslation } from 'react-i18next'

import { formatBytes, formatDateTime, formatDuration } from '../../lib/format.js'

/** What is not known of a picture that is still being drawn. */
const UNKNOWN = '…'

function entriesOf(image, t, language) {
  const device = image.device ?? (image.use_gpu === undefined ? UNKNOWN : image.use_gpu ? 'cuda' : 'cpu')
  const ended = image.created_at !== undefined
  return [
    ['size', `${image.width} × ${image.height}`],
    ['model', image.model],
    ['seed', image.seed ?? (ended ? null : UNKNOWN)],
    ['steps', image.num_inference_steps],
    ['guidance', image.guidance_scale > 0 ? image.guidance_scale : null],
    ['shift', image.shift],
    ['strength', image.strength ? `${Math.round(100 * image.strength)} %` : null],
    ['device', t(`image.deviceName.${device}`, { defaultValue: device })],
    ['time', ended ? formatDuration(image.generation_time_ms) : UNKNOWN],
    ['file', ended ? formatBytes(image.size_bytes) : UNKNOWN],
    ['door', image.door && t(`help.doors.${image.door}`)],
    ['created', ended ? formatDateTime(image.created_at, language) : UNKNOWN],
    ['negative', image.negative_prompt],
  ].filter(([, value]) => value !== null && value !== undefined && value !== '')
}

/** A picture's settings and how it came about. */
export default function ImageDetails({ image }) {
  const { t, i18n } = useTranslation()
  return (
    <dl className="details">
      {entriesOf(image, t, i18n.language).map(([key, value]) => (
        <div key={key} className={`details-${key}`}>
          <dt>{t(`image.${key}`)}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  )
}
