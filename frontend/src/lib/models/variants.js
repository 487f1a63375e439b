import { formatBytes, formatGb, toGb } from '../format.js'

const GIB = 2 ** 30
/** Sizes of the table are rounded, and what has come is not. */
const ROUNDING = 1.02

/** Bytes as files of weights are sold: in gigabytes, the small ones in megabytes. */
export function sizeOf(bytes) {
  return bytes < 1e9 ? formatBytes(bytes) : `${formatGb(toGb(bytes))} GB`
}

/** Bytes of memory in GiB, as memory is sold. */
export function toGib(bytes) {
  return (bytes / GIB).toFixed(1)
}

/** Whether a variant is worth a place that is seen at once: the one for this machine, and what goes on. */
export function isInView({ recommended, download }) {
  return recommended !== null || download.state !== 'none'
}

/** Whether a download that was stopped has left something that only it needs. */
export function hasRemains({ files, download, model }) {
  if (model || download.state === 'running') return false
  const shared = files.filter(({ here }) => here).reduce((sum, { size_bytes: bytes }) => sum + bytes, 0)
  return download.done_bytes > shared * ROUNDING
}

/** How a variant would run on this machine, as the last part of an i18n key, with the values of its text. */
export function needsOf({ needs }) {
  const onProcessor = needs.device === 'cpu'
  const values = {
    device: needs.device,
    needed: toGib(needs.device_bytes),
    total: toGib(needs.device_total_bytes),
    host: toGib(needs.host_bytes),
    precision: needs.quantization ?? needs.dtype,
  }
  if (!needs.fits) return ['none', values]
  if (onProcessor) return ['processor', values]
  return [needs.offload === 'none' ? 'whole' : 'turns', values]
}

/** Why a variant is recommended, as the last parts of an i18n key. */
export function reasonOf({ needs, recommended }) {
  return `${needs.device === 'cpu' ? 'processor' : 'card'}.${recommended.reason}`
}
