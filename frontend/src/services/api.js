import axios, { AxiosError } from 'axios'

import { siteFolder } from '../lib/site.js'

/**
 * Where the API lives. The served page and the API share a folder of a site; a page built for direct use sets
 * VITE_API_BASE_URL, for example to http://localhost:15000/api.
 */
export const API_BASE_URL = (import.meta.env.VITE_API_BASE_URL || `${siteFolder()}api`).replace(/\/+$/, '')

/** Longest wait for an answer. */
export const TIMEOUT_MS = 300_000

/** A poll that hangs is asked again soon, so it gives up early. */
const POLL_TIMEOUT_MS = 15_000

const CREATED = 201

const client = axios.create({
  baseURL: API_BASE_URL,
  timeout: TIMEOUT_MS,
  responseType: 'json',
  // A page or half an answer where JSON was expected is an error, not a string.
  transitional: { silentJSONParsing: false, clarifyTimeoutError: true },
})

/**
 * Every failure of a call.
 *
 * `status` is the HTTP status, 0 when no answer came. `code` is the server's snake_case code, or one of
 * `network`, `timeout`, `bad_response`. `fields` is a list of `{field, message}`. `retryAfterS` is how long the
 * server asks to wait, where it does.
 */
export class ApiError extends Error {
  constructor({ status, code, message, fields = [], retryAfterS }) {
    super(message)
    this.name = 'ApiError'
    this.status = status
    this.code = code
    this.fields = fields
    this.retryAfterS = retryAfterS
  }

  /** True when the server did not really answer: it is down, restarting or behind a failing proxy. */
  get unreachable() {
    return this.status === 0 || this.code === 'bad_response' || /^http_50[234]$/.test(this.code)
  }
}

function toApiError(error) {
  if (axios.isCancel(error) || !(error instanceof AxiosError)) return error
  const { response } = error
  if (!response) {
    const code = error.code === AxiosError.ETIMEDOUT || error.code === AxiosError.ECONNABORTED ? 'timeout' : 'network'
    return new ApiError({ status: 0, code, message: error.message })
  }
  const body = response.data?.error
  if (typeof body?.code === 'string') {
    return new ApiError({
      status: response.status,
      code: body.code,
      message: String(body.message ?? ''),
      fields: Array.isArray(body.fields) ? body.fields : [],
      retryAfterS: Number(response.headers['retry-after']) || undefined,
    })
  }
  const code = response.status < 400 ? 'bad_response' : `http_${response.status}`
  return new ApiError({ status: response.status, code, message: error.message })
}

async function respond(config) {
  try {
    return await client.request(config)
  } catch (error) {
    throw toApiError(error)
  }
}

async function request(config) {
  const { data } = await respond(config)
  return data
}

function fileForm(file) {
  const data = new FormData()
  data.append('file', file)
  return data
}

/** The server's paths start at its root (/api/…): it need not know under which sub-path, or on which site, that stands. */
function resolve(path) {
  const base = new URL(API_BASE_URL, window.location.href)
  const isWhole = path.startsWith(`${base.pathname}/`)
  const above = base.pathname.slice(0, base.pathname.lastIndexOf('/'))
  return new URL(isWhole ? path : above + path, base).href
}

function withUrls(image) {
  if (!image) return image
  const id = encodeURIComponent(image.id)
  return {
    ...image,
    download_url: resolve(image.download_url ?? `/api/download/${id}`),
    thumbnail_url: resolve(image.thumbnail_url ?? `/api/images/${id}/thumbnail`),
  }
}

function withResultUrls(task) {
  return { ...task, result: withUrls(task.result), ...(task.images && { images: task.images.map(withUrls) }) }
}

/** A key that makes a request known again when it is sent twice. Works where crypto.randomUUID does not: plain HTTP. */
export function newKey() {
  return [...crypto.getRandomValues(new Uint32Array(4))].map((part) => part.toString(16).padStart(8, '0')).join('')
}

/** Who this browser is to the server: `{required, name}`. Open to everyone. */
export function fetchSession({ signal } = {}) {
  return request({ url: '/session', signal, timeout: POLL_TIMEOUT_MS })
}

/** Trades a token for a session, which the browser keeps in a cookie out of this page's reach. */
export function logIn(token, { signal } = {}) {
  return request({ method: 'post', url: '/session', data: { token }, signal })
}

/** Ends the session. */
export function logOut({ signal } = {}) {
  return request({ method: 'delete', url: '/session', signal })
}

/** Queues pictures; answers `{task_id}`. The same `key` never makes a second task. */
export function submitGeneration(body, { key, signal } = {}) {
  const headers = key ? { 'Idempotency-Key': key } : undefined
  return request({ method: 'post', url: '/generate', data: body, headers, signal })
}

/** What a request would take: memory and seconds, and the largest size that fits. */
export function fetchEstimate(body, { signal } = {}) {
  return request({ method: 'post', url: '/estimate', data: body, signal })
}

/** How a model reads a prompt: `{tokens, limit, truncated, characters}`; characters are code points. */
export function countTokens(body, { signal } = {}) {
  return request({ method: 'post', url: '/tokens', data: body, signal })
}

/** One task's status. */
export async function fetchTask(taskId, { signal } = {}) {
  const url = `/generate/${encodeURIComponent(taskId)}`
  return withResultUrls(await request({ url, signal, timeout: POLL_TIMEOUT_MS }))
}

/** The tasks that wait or run, in queue order. */
export async function fetchTasks({ signal } = {}) {
  const { tasks } = await request({ url: '/generate', signal, timeout: POLL_TIMEOUT_MS })
  return tasks.map(withResultUrls)
}

/** Asks a task to stop; answers its status. */
export async function cancelTask(taskId, { signal } = {}) {
  return withResultUrls(await request({ method: 'delete', url: `/generate/${encodeURIComponent(taskId)}`, signal }))
}

/** Cancels all of one's own tasks that wait; answers them, in their order. */
export async function cancelWaiting({ signal } = {}) {
  const { tasks } = await request({ method: 'delete', url: '/generate', params: { waiting: true }, signal })
  return tasks.map(withResultUrls)
}

/** Runs an ended task anew, as a new one; answers `{task_id}`. */
export function retryTask(taskId, { signal } = {}) {
  return request({ method: 'post', url: `/generate/${encodeURIComponent(taskId)}/retry`, signal })
}

/** Moves a waiting task in the queue, `by` some places or to a `position`; answers its status. */
export async function moveTask(taskId, move, { signal } = {}) {
  const url = `/generate/${encodeURIComponent(taskId)}/move`
  return withResultUrls(await request({ method: 'post', url, data: move, signal }))
}

/** Where a running task's picture can be seen as it is now. Each number is another picture. */
export function previewUrl(taskId, seq) {
  return `${API_BASE_URL}/generate/${encodeURIComponent(taskId)}/preview?seq=${seq}`
}

/**
 * Some of the history, newest first: a page (`page`, `page_size`), or what follows a cursor (`after`). Other
 * entries filter: `q`, `favourite`, `tag`, `model`, `from`, `to`, `sort`, `trash`.
 */
export async function fetchHistory(params, { signal } = {}) {
  const answer = await request({ url: '/history', params, signal })
  return { ...answer, images: answer.images.map(withUrls) }
}

/** Changes what people note of a picture: `favourite`, `tags`. Answers the picture. */
export async function changeImage(imageId, patch, { signal } = {}) {
  return withUrls(await request({ method: 'patch', url: `/history/${encodeURIComponent(imageId)}`, data: patch, signal }))
}

/** One picture, out of the trash too, or null where there is none. No request asks for one: a change of nothing answers. */
export async function fetchImage(imageId, { signal } = {}) {
  try {
    return await changeImage(imageId, {}, { signal })
  } catch (error) {
    if (error instanceof ApiError && error.code === 'not_found') return null
    throw error
  }
}

/** Moves a picture to the trash; `permanent` deletes one that is there, with its file. */
export function deleteImage(imageId, { permanent = false, signal } = {}) {
  const params = permanent ? { permanent } : undefined
  return request({ method: 'delete', url: `/history/${encodeURIComponent(imageId)}`, params, signal })
}

/** Takes a picture out of the trash; answers it. */
export async function restoreImage(imageId, { signal } = {}) {
  return withUrls(await request({ method: 'post', url: `/history/${encodeURIComponent(imageId)}/restore`, signal }))
}

/** Does one thing to many pictures; answers `{done, missing}`. */
export function changeImages(body, { signal } = {}) {
  return request({ method: 'post', url: '/history/bulk', data: body, signal })
}

/** Where a picture is had as a file of another name than its own: the server's word on that counts for browsers. */
export function namedUrl(image, name) {
  return name === image.filename ? image.download_url : `${image.download_url}?${new URLSearchParams({ name })}`
}

/** A zip with these pictures, as a Blob; `names` are those in it by id, where they are not their own. */
export function exportImages(ids, { names = {}, signal } = {}) {
  return request({ method: 'post', url: '/history/export', data: { ids, names }, responseType: 'blob', signal })
}

/** The settings that a picture carries, ours or another program's: `{source, parameters}`. */
export function readParameters(file, { signal } = {}) {
  return request({ method: 'post', url: '/history/read', data: fileForm(file), signal })
}

/** Adds a picture that carries its settings to the history: `{image, isNew}`; one that is there already is not new. */
export async function importPicture(file, { signal } = {}) {
  const { status, data } = await respond({ method: 'post', url: '/history/import', data: fileForm(file), signal })
  return { image: withUrls(data), isNew: status === CREATED }
}

/** Keeps a picture to draw from: a file, or `{image_id}` of the history. Answers `{input_id, width, height, has_alpha}`. */
export function keepInput(source, { signal } = {}) {
  return request({ method: 'post', url: '/inputs', data: source instanceof Blob ? fileForm(source) : source, signal })
}

/** What a preprocessor makes of a picture, kept as an input; answers as keepInput does. */
export function makeControlImage(body, { signal } = {}) {
  return request({ method: 'post', url: '/inputs/control', data: body, signal })
}

/** A mask of what is transparent in a picture, `{image: {input_id}}`, kept as an input; answers as keepInput does. */
export function makeMask(body, { signal } = {}) {
  return request({ method: 'post', url: '/inputs/mask', data: body, signal })
}

/** Where a kept input is seen. */
export function inputUrl(inputId) {
  return `${API_BASE_URL}/inputs/${encodeURIComponent(inputId)}`
}

/** The PNG of a kept input, as a Blob. */
export function fetchInput(inputId, { signal } = {}) {
  return request({ url: `/inputs/${encodeURIComponent(inputId)}`, responseType: 'blob', signal })
}

/** A picture's bytes, as a Blob. */
export function fetchPicture(image, { signal } = {}) {
  return request({ url: image.download_url, responseType: 'blob', signal })
}

/** The newest picture, or null when there is none yet. */
export async function fetchLatestImage({ signal } = {}) {
  const { images } = await fetchHistory({ page_size: 1 }, { signal }) // /images/latest is a 404 then, which browsers log
  return images[0] ?? null
}

/** Processor, memory, GPU and disk, and the workers. */
export function fetchSystemStatus({ signal } = {}) {
  return request({ url: '/system/status', signal, timeout: POLL_TIMEOUT_MS })
}

/** Lets a worker take no more tasks, or take them again; answers it. */
export function drainWorker(workerId, drain, { signal } = {}) {
  const url = `/system/workers/${encodeURIComponent(workerId)}/drain`
  return request({ method: 'post', url, data: { drain }, signal })
}

/** What this server can do, and within which limits. */
export function fetchCapabilities({ signal } = {}) {
  return request({ url: '/capabilities', signal })
}

/** The LoRAs that a request can name, as a model takes them: `{loras, n_unread, max_upload_bytes}`. */
export async function fetchLoras(model, { signal } = {}) {
  const answer = await request({ url: '/loras', params: { model }, signal })
  return { ...answer, loras: answer.loras.map((lora) => ({ ...lora, preview: lora.preview && resolve(lora.preview) })) }
}

/** Sends a LoRA's file, however long that takes; answers the LoRA. `onProgress` is told the share that is sent. */
export function sendLora(file, { onProgress, signal } = {}) {
  const onUploadProgress = ({ loaded, total }) => total > 0 && onProgress?.(Math.min(1, loaded / total))
  return request({ method: 'post', url: '/loras', data: fileForm(file), timeout: 0, onUploadProgress, signal })
}

/** Deletes the file of a LoRA that is the server's own. */
export function deleteLora(name, { signal } = {}) {
  return request({ method: 'delete', url: `/loras/${encodeURIComponent(name)}`, signal })
}

/** The catalogue of models. */
export function fetchModels({ signal } = {}) {
  return request({ url: '/models', signal })
}

/** The published variants of the models, what each needs on this machine, and the room on the disk. */
export function fetchVariants({ signal } = {}) {
  return request({ url: '/models/variants', signal })
}

/** What deleting a model would remove: `{files, kept, size_bytes}`. */
export function fetchRemoval(modelId, { signal } = {}) {
  return request({ url: `/models/${encodeURIComponent(modelId)}/removal`, signal })
}

/** Deletes what is the server's own of a model. */
export function deleteModel(modelId, { signal } = {}) {
  return request({ method: 'delete', url: `/models/${encodeURIComponent(modelId)}`, signal })
}

/** Frees the memory of the loaded models, each as soon as no task needs it. */
export function freeMemory({ signal } = {}) {
  return request({ method: 'post', url: '/models/unload', signal })
}

/** Chooses what a model of single files is run as: `{member, text_encoder, vae}`. */
export function chooseParts(modelId, choice, { signal } = {}) {
  return request({ method: 'put', url: `/models/${encodeURIComponent(modelId)}/parts`, data: choice, signal })
}

function downloadUrl(modelId) {
  return `/models/${encodeURIComponent(modelId)}/download`
}

/** Begins to load a model down, or goes on where an earlier try ended. */
export function startDownload(modelId, { signal } = {}) {
  return request({ method: 'post', url: downloadUrl(modelId), signal })
}

/** Stops a download; what has come is kept. */
export function stopDownload(modelId, { signal } = {}) {
  return request({ method: 'delete', url: downloadUrl(modelId), signal })
}
