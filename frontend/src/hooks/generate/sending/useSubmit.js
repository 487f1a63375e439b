import { toChoices } from '../../../lib/generate/prompt/choices.js'
import { requestsOf } from '../../../lib/generate/prompt/requests.js'
import { drawSeed, isRandomSeed } from '../../../lib/generate/settings.js'
import { useLatest } from '../../ui/useLatest.js'

/**
 * Answers a function that sends what the form stands for. `form` is what useSettings answers, `errors` what useFormErrors
 * does, `drawn` are the settings within the model's reach, `prompts` what the written one stands for.
 *
 * It takes a patch of the settings that they do not show yet, and promises the tasks' ids, undefined where they were
 * refused. A picture that is on its way is waited for: what is sent is what the form said at the press, with that picture.
 *
 * What the server has no room for stays in the prompt: none is sent twice, and none is lost.
 */
export function useSubmit({ form, errors, drawn, prompts, lists, model, onGenerate }) {
  const { settings, arrivals, change, replace, remember } = form
  const latest = useLatest(settings)
  /** Writes the prompts that were not accepted in the place of them all; answers how many that are. */
  const keepRest = (requests, { accepted = 0 }) => {
    const rest = requests.slice(accepted).map(({ prompt }) => prompt)
    const isPlain = accepted > 0 && !settings.choices_random && latest.current.prompt === settings.prompt
    const text = isPlain && rest.length > 0 ? toChoices(rest, lists) : null
    if (!text) return 0
    replace({ prompt: text })
    return rest.length
  }
  return async (patch) => {
    const now = { ...settings, ...patch }
    const drawnNow = requestsOf(now, model, prompts, lists)
    const written = settings.choices_random ? drawnNow.map(({ prompt }) => prompt) : prompts
    if (!errors.check({ ...drawn, ...patch }, written)) return undefined
    const drawsSeed = !isRandomSeed(settings.seed) && !settings.seed_locked
    if (drawsSeed) change({ seed: drawSeed() }) // at once: the next press is another picture
    const arrival = arrivals.wait()
    const { fields = [], reason } = arrival ? await arrival : {} // else at once
    if (reason) {
      if (drawsSeed) change({ seed: settings.seed })
      errors.showUnsent(reason)
      return undefined
    }
    const brought = Object.fromEntries(fields.map((field) => [field, latest.current[field]]))
    const requests = fields.length > 0 ? requestsOf({ ...settings, ...brought, ...patch }, model, prompts, lists) : drawnNow
    try {
      const ids = await onGenerate(requests)
      remember(settings.prompt.trim())
      return ids
    } catch (error) {
      if (drawsSeed) change({ seed: settings.seed })
      errors.showServerError(error, keepRest(requests, error))
      return undefined
    }
  }
}
