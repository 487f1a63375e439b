import { keepPreviousData, useQuery } from '@tanstack/react-query'

import { countTokens } from '../../services/api.js'
import { useDebounced } from '../ui/useDebounced.js'

const TYPING_MS = 400

/**
 * How many tokens a prompt is to a model, `{tokens, limit, truncated, read}`; undefined while nobody knows. Those of the
 * model's template, which nobody has written, are counted in neither number.
 */
export function useTokenCount(prompt, model) {
  const settled = useDebounced(prompt.trim(), TYPING_MS)
  const { data } = useQuery({
    queryKey: ['tokens', model, settled],
    queryFn: async ({ signal }) => {
      const { characters, template_tokens: template = 0, ...count } = await countTokens({ prompt: settled, model }, { signal })
      const [tokens, limit] = [count.tokens - template, count.limit - template]
      return { ...count, tokens, limit, read: [...settled].slice(0, characters).join('') }
    },
    enabled: settled !== '',
    placeholderData: keepPreviousData,
    staleTime: Infinity,
  })
  return prompt.trim() === '' ? undefined : data
}
