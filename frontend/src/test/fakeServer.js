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

const MODELS = [
  { id: 'z-image-turbo', name: 'Z-Image-Turbo', installed: false, demo: false, size_multiple: 16 },
  { id: 'zimage-nano', name: 'zimage-nano', installed: true, demo: true, size_multiple: 32 },
]

const SYSTEM = {
  cpu: { usage_percent: 12.4, cores: 8, frequency_mhz: 3200 },
  memory: { total_gb: 16, used_gb: 8, available_gb: 8, usage_percent: 50 },
  gpu: null,
  disk: { path: '/', total_gb: 500, used_gb: 250, free_gb: 250, usage_percent: 50 },
  timestamp: '2026-03-01T12:00:00Z',
}

/** Thrown by a handler to answer an error body. */
export class Refusal extends Error {
  constructor(status, code, message = code, fields = []) {
    super(message)
    this.status = status
    this.body = { error: { code, message, fields } }
  }
}

/** The API in memory, reached through axios, so that tests run the real services/api.js. */
export class FakeServer {
  constructor() {
    this.tasks = new Map()
    this.images = []
    this.models = { default: 'zimage-nano', loaded: null, models: MODELS }
    this.system = SYSTEM
    this.down = false
    this.requests = []
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
    const [, area, id] = path.split('/')
    const handler = this[`${method}_${area}`]
    if (!handler) throw new Refusal(404, 'not_found')
    return handler.call(this, { id, params, body })
  }

  post_generate({ body }) {
    const id = `task-${this.tasks.size + 1}`
    this.addTask(makeTask(id, { status: 'pending', queue_position: 0, request: body }))
    return { task_id: id }
  }

  get_generate({ id }) {
    if (!id) {
      return { tasks: [...this.tasks.values()].filter(({ status }) => ['pending', 'processing'].includes(status)) }
    }
    if (!this.tasks.has(id)) throw new Refusal(404, 'not_found')
    return this.tasks.get(id)
  }

  delete_generate({ id }) {
    const task = this.get_generate({ id })
    const patch = task.status === 'pending' ? { status: 'cancelled' } : { cancelling: true }
    return this.addTask({ ...task, ...patch })
  }

  get_history({ params }) {
    const { page, page_size: size } = params
    const images = this.images.slice((page - 1) * size, page * size)
    return { images, total: this.images.length, page, page_size: size }
  }

  delete_history({ id }) {
    if (!this.images.some((image) => image.id === id)) throw new Refusal(404, 'not_found')
    this.images = this.images.filter((image) => image.id !== id)
    return null
  }

  get_images() {
    if (this.images.length === 0) throw new Refusal(404, 'not_found')
    return this.images[0]
  }

  get_models() {
    return this.models
  }

  get_system() {
    return this.system
  }

  /** Stands in for the network: an axios adapter. */
  adapter = async (config) => {
    if (this.down) throw new AxiosError('Network Error', AxiosError.ERR_NETWORK, config)
    const request = {
      method: config.method,
      path: config.url,
      params: config.params ?? {},
      body: config.data ? JSON.parse(config.data) : undefined,
    }
    this.requests.push(request)
    try {
      const data = await this.answer(request)
      return { status: 200, data: typeof data === 'string' ? data : JSON.stringify(data), headers: {}, config }
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      const response = { status: error.status, data: JSON.stringify(error.body), headers: {}, config }
      throw new AxiosError('refused', AxiosError.ERR_BAD_REQUEST, config, null, response)
    }
  }
}
