const TERMINAL = new Set(['completed', 'failed', 'cancelled', 'interrupted'])

/** True when a task will not change any more. */
export function isTerminal(task) {
  return TERMINAL.has(task?.status)
}

/** Milliseconds for which pictures were drawn, those drawn at once counted once. */
export function drawingTime(pictures) {
  const ends = pictures.map((picture) => Date.parse(picture.created_at))
  const starts = pictures.map((picture, index) => ends[index] - picture.generation_time_ms)
  const sum = pictures.reduce((total, picture) => total + picture.generation_time_ms, 0)
  const span = Math.max(...ends) - Math.min(...starts)
  return span < sum ? span : sum
}

/** True while the model is read from the disk, which takes long the first time. Only the message tells. */
export function isLoadingModel(task) {
  return task.status === 'processing' && /^Loading\b/.test(task.message ?? '')
}

/** True when something of the picture that is being drawn can be seen. */
export function hasPreview(task) {
  return task?.preview_seq !== null && task?.preview_seq !== undefined
}

/** True when a finished task should offer to run again. */
export function canRetry(task) {
  return isTerminal(task) && task.status !== 'completed' && Boolean(task.request)
}

const differs = (asked, real) => typeof asked === 'number' && asked !== real

/**
 * What the server changed about a request, as i18n keys with their values.
 *
 * The picture may be smaller than asked (a processor, a model's own grid) or come from the other device. Where there is
 * no other one (`hasGpu` is false) nobody has asked for it in earnest, nor for a size that was left open.
 */
export function changesOf(task, hasGpu) {
  const { request, result } = task
  if (!request || !result) return []
  const changes = []
  if (hasGpu !== false && request.use_gpu && result.use_gpu === false) changes.push({ key: 'task.usedCpu' })
  if (differs(request.width, result.width) || differs(request.height, result.height)) {
    changes.push({ key: 'task.resized', values: { width: result.width, height: result.height } })
  }
  return changes
}
