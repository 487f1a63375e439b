export const LEAST_STEPS = 50
const MOST_STEPS = 200
const MOST_BYTES = 96 * 1024 * 1024

/**
 * Steps that can be taken back, as many as fit: the oldest go first.
 *
 * A step is anything with `bytes`, what it takes in memory.
 */
export class History {
  #done = []
  #undone = []
  #bytes = 0

  constructor({ mostSteps = MOST_STEPS, mostBytes = MOST_BYTES } = {}) {
    this.mostSteps = mostSteps
    this.mostBytes = mostBytes
  }

  push(step) {
    this.#bytes -= bytesOf(this.#undone)
    this.#undone = []
    this.#done.push(step)
    this.#bytes += step.bytes
    while (this.#done.length > this.mostSteps || (this.#bytes > this.mostBytes && this.#done.length > 1)) {
      this.#bytes -= this.#done.shift().bytes
    }
  }

  /** The step to take back now, or undefined. */
  back() {
    const step = this.#done.pop()
    if (step) this.#undone.push(step)
    return step
  }

  /** The step to make again now, or undefined. */
  forth() {
    const step = this.#undone.pop()
    if (step) this.#done.push(step)
    return step
  }

  get canBack() {
    return this.#done.length > 0
  }

  get canForth() {
    return this.#undone.length > 0
  }

  get length() {
    return this.#done.length
  }

  get bytes() {
    return this.#bytes
  }
}

function bytesOf(steps) {
  return steps.reduce((sum, { bytes }) => sum + bytes, 0)
}
