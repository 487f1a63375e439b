import { plainSeed } from '../../digits.js'
import { drawPrompt, MAX_PROMPTS } from '../expand.js'
import { isRandomSeed, SEED_MAX, toRequest } from '../settings.js'

/** The seed of picture `index` of a request that begins with this one, as the server counts it. */
function seedAt(seed, index) {
  return isRandomSeed(seed) ? seed : String((Number(plainSeed(seed)) + index) % (SEED_MAX + 1))
}

/** Whether each picture takes one of the choices: where there are any, and where that is wished. */
function isDrawn({ choices_random: isRandom }, prompts) {
  return isRandom && prompts.length > 1
}

/**
 * The requests that the form stands for: one for each of its `prompts`, or one for each picture, with choices drawn by
 * `random`, a function like Math.random.
 */
export function requestsOf(settings, model, prompts, lists, random) {
  if (!isDrawn(settings, prompts)) return prompts.map((prompt) => toRequest(settings, model, prompt))
  return Array.from({ length: settings.num_images }, (_, index) => {
    const one = { ...settings, num_images: 1, seed: seedAt(settings.seed, index) }
    return toRequest(one, model, drawPrompt(settings.prompt, lists, random))
  })
}

/** How many `tasks` the form stands for, and how many `pictures`; null for tasks that are too many to be sent. */
export function plannedOf(settings, prompts) {
  const { num_images: count } = settings
  if (isDrawn(settings, prompts)) return { tasks: count, pictures: count }
  if (prompts.length > MAX_PROMPTS) return { tasks: null, pictures: 1 }
  const tasks = Math.max(1, prompts.length)
  return { tasks, pictures: tasks * count }
}
