import { useTranslation } from 'react-i18next'

import { formatBytes, formatDateTime, formatDuration } from '../../lib/format.js'

function entriesOf(image, t, language) {
  const device = image.device ?? (image.use_gpu ? 'cuda' : 'cpu')
  return [
    ['size', `${image.width} × ${image.height}`],
    ['model', image.model],
    ['seed', image.seed],
    ['steps', image.num_inference_steps],
    ['guidance', image.guidance_scale > 0 ? image.guidance_scale : null],
    ['shift', image.shift],
    ['device', t(`image.deviceName.${device}`, { defaultValue: device })],
    ['time', formatDuration(image.generation_time_ms)],
    ['file', formatBytes(image.size_bytes)],
    ['created', formatDateTime(image.created_at, language)],
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
