import { useTranslation } from 'react-i18next'

import { hasTrigger, withoutTrigger, withTrigger } from '../../lib/loras/triggers.js'
import Icon from '../ui/Icon.jsx'

/** The words by which a LoRA is called: a click puts one into the prompt, and takes it out again. */
export default function TriggerWords({ words, prompt, name, onPrompt }) {
  const { t } = useTranslation()
  return (
    <div role="group" className="lora-words" aria-label={t('loras.words', { name })}>
      {words.map((word) => {
        const isThere = hasTrigger(prompt, word)
        return (
          <button
            key={word}
            type="button"
            className="chip lora-word"
            aria-pressed={isThere}
            title={t(isThere ? 'loras.wordOut' : 'loras.wordIn')}
            onClick={() => onPrompt(isThere ? withoutTrigger(prompt, word) : withTrigger(prompt, word))}
          >
            <Icon name={isThere ? 'check' : 'plus'} size={12} /> {word}
          </button>
        )
      })}
    </div>
  )
}
