import { AxiosError } from 'axios'

/** A picture as the server describes one. */
export function makeImage(number, overrides = {}) {
  const id = number.toString(16).padStart(32, '0')
  return {
    id,
    filename: `${id}.png`,
    prompt: `picture ${number}`,
    width: 512,
    height: 512,
    num_inference_steps: 9,
    use_gpu: false,
    size_bytes: 150_000,
    created_at: '2026-03-01T12:00:00Z',
    generation_time_ms: 1234.56,
    model: 'zimage-nano',
    seed: 100 + number,
    device: 'cpu',
    guidance_scale: 0,
    negative_prompt: '',
    favourite: false,
    tags: [],
    deleted_at: null,
    download_url: `/api/download/${id}`,
    thumbnail_url: `/api/images/${id}/thumbnail`,
    ...overrides,
  }
}

/** A task as the server describes one. */
export function makeTask(id, overrides = {}) {
  return {
    task_id: id,
    status: 'processing',
    progress: 0,
    total_steps: 9,
    current_step: 0,
    message: '',
    result: null,
    error: null,
    cancelling: false,
    queue_position: null,
    num_images: 1,
    images: [],
    eta_seconds: null,
    preview_seq: null,
    created_at: '2026-03-01T12:00:00Z',
    request: {
      prompt: `prompt of ${id}`,
      width: 512,
      height: 512,
      num_inference_steps: 9,
      use_gpu: true,
      seed: null,
      model: 'auto',
    },
    ...overrides,
  }
}

const DISTILLED = { guidance: false, guidance_scale: 0, negative_prompt: false, shift: 3, repository: null, download_gb: null }
const MODELS = [
  { id: 'z-image-turbo', name: 'Z-Image-Turbo', installed: false, demo: false, size_multiple: 16, ...DISTILLED },
  { id: 'zimage-nano', name: 'zimage-nano', installed: true, demo: true, size_multiple: 32, ...DISTILLED },
]

/** A model that is guided and hears what shall not be there. */
export const GUIDED = {
  id: 'z-image',
  name: 'Z-Image',
  installed: true,
  demo: false,
  size_multiple: 16,
  guidance: true,
  guidance_scale: 4,
  shift: 6,
  negative_prompt: true,
}

const SYSTEM = {
  cpu: { usage_percent: 12.4, cores: 8, frequency_mhz: 3200 },
  memory: { total_gb: 16, used_gb: 8, available_gb: 8, usage_percent: 50 },
  gpu: null,
  disk: { path: '/', total_gb: 500, used_gb: 250, free_gb: 250, usage_percent: 50 },
  timestamp: '2026-03-01T12:00:00Z',
  workers: [],
  fault: null,
}

/** Thrown by a handler to answer an error body. */
export class Refusal extends Error {
  constructor(status, code, message = code, fields = [], headers = {}) {
    super(message)
    this.status = status
    this.headers = headers
    this.body = { error: { code, message, fields } }
  }
}

/** What a handler returns to answer 201 instead of 200. */
class Created {
  constructor(data) {
    this.data = data
  }
}

/** A LoRA as the server describes one. */
export function makeLora(name, overrides = {}) {
  return {
    name,
    title: null,
    file: `${name}.safetensors`,
    kind: 'lora',
    rank: 16,
    base: null,
    family: 'z-image',
    role: null,
    matched: 240,
    of: 240,
    trigger_words: [],
    tags: [],
    usage_hint: null,
    suggested: { strength: null, num_inference_steps: null, guidance_scale: null, negative_prompt: null },
    preview: null,
    size_bytes: 80e6,
    sha256: null,
    modified_at: '2026-03-01T12:00:00Z',
    is_own: false,
    problem: null,
    warning: null,
    ...overrides,
  }
}

const ESTIMATE = {
  fits: true,
  device_bytes: 0.5e9,
  device_total_bytes: 24e9,
  host_bytes: 0.5e9,
  host_total_bytes: 24e9,
  load_s: null,
  first_s: null,
  next_s: null,
  offer: null,
}

/** The API in memory, reached through axios, so that tests run the real services/api.js. */
export class FakeServer {
  constructor() {
    this.tasks = new Map()
    this.images = []
    this.models = { default: 'zimage-nano', loaded: null, models: MODELS }
    this.variants = { room_bytes: 250e9, variants: [] }
    this.removal = { files: [], kept: [], size_bytes: 0 }
    this.system = SYSTEM
    this.loras = []
    this.estimate = ESTIMATE
    this.limits = { max_queued_tasks: 100, max_queued_tasks_per_client: 50 }
    this.down = false
    /** Once there is one, whoever has not brought it is let in nowhere. */
    this.token = null
    this.entered = false
    this.requests = []
    /** Every call, those that a dead server never saw included. */
    this.attempts = []
    /** Answers of single routes, by "METHOD /path": a function of the parsed request. */
    this.overrides = {}
  }

  addTask(task) {
    this.tasks.set(task.task_id, task)
    return task
  }

  bodiesOf(method, path) {
    return this.requests.filter((r) => r.method === method && r.path === path).map((r) => r.body)
  }

  answer({ method, path, params, body }) {
    const override = this.overrides[`${method} ${path}`]
    if (override) return override({ params, body })
    const [, area, id, action] = path.split('/')
    if (this.token && !this.entered && area !== 'session') throw new Refusal(401, 'unauthorized')
    const handler = this[`${method}_${area}`]
    if (!handler) throw new Refusal(404, 'not_found')
    return handler.call(this, { id, action, params, body })
  }

  get_session() {
    return { required: this.token !== null, name: this.token && this.entered ? 'default' : null }
  }

  post_session({ body }) {
    if (body.token !== this.token) throw new Refusal(401, 'wrong_token')
    this.entered = true
    return null
  }

  delete_session() {
    this.entered = false
    return null
  }

  post_generate({ id: old, action, body }) {
    if (action === 'move') {
      const task = this.get_generate({ id: old })
      return this.addTask({ ...task, queue_position: body.position ?? Math.max(0, task.queue_position + body.by) })
    }
    const request = action === 'retry' ? this.get_generate({ id: old }).request : body
    const id = `task-${this.tasks.size + 1}`
    this.addTask(makeTask(id, { status: 'pending', queue_position: 0, request }))
    return { task_id: id }
  }

  tasksOf(...statuses) {
    return [...this.tasks.values()].filter(({ status }) => statuses.includes(status))
  }

  get_generate({ id }) {
    if (!id) return { tasks: this.tasksOf('pending', 'processing') }
    if (!this.tasks.has(id)) throw new Refusal(404, 'not_found')
    return this.tasks.get(id)
  }

  delete_generate({ id, params }) {
    if (params.waiting) return { tasks: this.tasksOf('pending').map(({ task_id: own }) => this.delete_generate({ id: own, params: {} })) }
    const task = this.get_generate({ id })
    const patch = task.status === 'pending' ? { status: 'cancelled' } : { cancelling: true }
    return this.addTask({ ...task, ...patch })
  }

  get_history({ params }) {
    const { page = 1, page_size: size = 20, q = '', favourite, tag, model, trash = false, sort, from, to } = params
    const fits = (image) =>
      Boolean(image.deleted_at) === trash &&
      image.prompt.includes(q) &&
      (!favourite || image.favourite) &&
      (!tag || image.tags.includes(tag)) &&
      (!model || image.model === model) &&
      (!from || image.created_at >= from) &&
      (!to || image.created_at < to)
    const found = this.images.filter(fits)
    const sorted = sort === 'oldest' ? found.toReversed() : found
    return { images: sorted.slice((page - 1) * size, page * size), total: found.length, page, page_size: size }
  }

  change(ids, patch) {
    this.images = this.images.map((image) => (ids.includes(image.id) ? { ...image, ...patch(image) } : image))
  }

  patch_history({ id, body }) {
    this.change([id], () => body)
    const image = this.images.find((one) => one.id === id)
    if (!image) throw new Refusal(404, 'not_found')
    return image
  }

  delete_history({ id, params }) {
    if (!this.images.some((image) => image.id === id)) throw new Refusal(404, 'not_found')
    if (params.permanent) this.images = this.images.filter((image) => image.id !== id)
    else this.change([id], () => ({ deleted_at: '2026-03-02T12:00:00Z' }))
    return null
  }

  post_history({ id: area, body }) {
    if (area === 'read') throw new Refusal(422, 'validation_error')
    if (area === 'import') return this.importPicture(body.get('file'))
    if (area === 'export') return `zip of ${body.ids.length}`
    if (area !== 'bulk') throw new Refusal(404, 'not_found')
    const changes = {
      delete: () => ({ deleted_at: '2026-03-02T12:00:00Z' }),
      restore: () => ({ deleted_at: null }),
      favourite: () => ({ favourite: true }),
      unfavourite: () => ({ favourite: false }),
      tag: ({ tags }) => ({ tags: [...tags, body.tag] }),
      untag: ({ tags }) => ({ tags: tags.filter((tag) => tag !== body.tag) }),
    }
    const done = body.ids.filter((id) => this.images.some((image) => image.id === id))
    this.change(done, changes[body.action])
    return { done, missing: body.ids.filter((id) => !done.includes(id)) }
  }

  /** A picture is known again by its name. */
  importPicture({ name }) {
    const known = this.images.find(({ filename }) => filename === name)
    if (known) return known
    const image = makeImage(this.images.length + 1, { filename: name, prompt: `imported ${name}` })
    this.images = [image, ...this.images]
    return new Created(image)
  }

  post_tokens({ body }) {
    const tokens = body.prompt.split(/\s+/).length
    return { tokens, limit: 512, truncated: tokens > 512 }
  }

  post_estimate({ body }) {
    const { model, width, height } = body
    return { model, width, height, ...this.estimate }
  }

  get_capabilities() {
    return { thumbnail_widths: [256, 512], limits: this.limits }
  }

  get_models({ id, action }) {
    if (id === 'variants') return this.variants
    if (action === 'removal') return this.removal
    return this.models
  }

  setDownload(id, download) {
    const models = this.models.models.map((model) => (model.id === id ? { ...model, download } : model))
    const variants = this.variants.variants.map((variant) => (variant.id === id ? { ...variant, download } : variant))
    this.models = { ...this.models, models }
    this.variants = { ...this.variants, variants }
    return null
  }

  post_models({ id }) {
    if (id === 'unload') {
      this.models = { ...this.models, loaded: null }
      return null
    }
    return this.setDownload(id, { state: 'running', done_bytes: 0, total_bytes: 0, message: '' })
  }

  put_models({ id, body }) {
    const parts = (model) => model.parts.map((part) => ({ ...part, file: body[part.part] ?? part.file }))
    const models = this.models.models.map((model) =>
      model.id === id ? { ...model, member: body.member, parts: parts(model) } : model,
    )
    this.models = { ...this.models, models }
    return models.find((model) => model.id === id)
  }

  delete_models({ id, action }) {
    if (!action) {
      this.models = { ...this.models, models: this.models.models.filter((model) => model.id !== id) }
      return this.removal
    }
    return this.setDownload(id, { state: 'none', done_bytes: 5e9, total_bytes: 20e9, message: '' })
  }

  get_loras() {
    return { loras: this.loras, n_unread: 0, max_upload_bytes: 2e9 }
  }

  post_loras({ body }) {
    const lora = makeLora(body.get('file').name.replace(/\.safetensors$/, ''), { is_own: true })
    this.loras = [...this.loras, lora]
    return new Created(lora)
  }

  delete_loras({ id }) {
    const name = decodeURIComponent(id)
    if (!this.loras.some((lora) => lora.name === name)) throw new Refusal(404, 'not_found')
    this.loras = this.loras.filter((lora) => lora.name !== name)
    return null
  }

  get_system() {
    return this.system
  }

  post_system({ action, body }) {
    const workerId = decodeURIComponent(action)
    const drained = (worker) => (worker.id === workerId ? { ...worker, drained: body.drain } : worker)
    this.system = { ...this.system, workers: this.system.workers.map(drained) }
    return this.system.workers.find(({ id: known }) => known === workerId)
  }

  /** Stands in for the network: an axios adapter. */
  adapter = async (config) => {
    this.attempts.push(config)
    if (this.down) throw new AxiosError('Network Error', AxiosError.ERR_NETWORK, config)
    const request = {
      method: config.method,
      path: config.url,
      params: config.params ?? {},
      body: typeof config.data === 'string' ? JSON.parse(config.data) : config.data,
    }
    this.requests.push(request)
    try {
      const answer = await this.answer(request)
      const [status, data] = answer instanceof Created ? [201, answer.data] : [200, answer]
      return { status, data: typeof data === 'string' ? data : JSON.stringify(data), headers: {}, config }
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      const response = { status: error.status, data: JSON.stringify(error.body), headers: error.headers, config }
      throw new AxiosError('refused', AxiosError.ERR_BAD_REQUEST, config, null, response)
    }
  }
}
